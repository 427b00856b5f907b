#pragma once
/// Strong SI types. A `Quantity` holds one double in SI base units; its dimension is part of its
/// type, so `Bytes / BytesPerSecond` is `Seconds` and adding metres to seconds does not compile.
/// A plain double in this project is a ratio. Cycles count as dimensionless: a frequency is 1/s.

#include <compare>
#include <string>

namespace orrery {

/// Exponents of the base dimensions: byte, flop, joule, kelvin, second, metre, kilogram. Energy is
/// a dimension of its own.
struct Dimension {
  int byte = 0;
  int flop = 0;
  int joule = 0;
  int kelvin = 0;
  int second = 0;
  int metre = 0;
  int kilogram = 0;
  friend constexpr bool operator==(const Dimension&, const Dimension&) = default;
};

constexpr Dimension operator+(Dimension a, Dimension b) {
  return {a.byte + b.byte,     a.flop + b.flop,   a.joule + b.joule,      a.kelvin + b.kelvin,
          a.second + b.second, a.metre + b.metre, a.kilogram + b.kilogram};
}
constexpr Dimension operator-(Dimension a, Dimension b) {
  return {a.byte - b.byte,     a.flop - b.flop,   a.joule - b.joule,      a.kelvin - b.kelvin,
          a.second - b.second, a.metre - b.metre, a.kilogram - b.kilogram};
}

/// A physical value of dimension `D`, in SI units (bytes, flop, J, K, s and their products).
template <Dimension D>
class Quantity {
 public:
  static constexpr Dimension kDimension = D;

  constexpr Quantity() = default;
  /// `si` is the value in SI units.
  constexpr explicit Quantity(double si) : si_(si) {}
  /// The value in SI units; use only at third-party calls, formatting and inner numeric loops.
  [[nodiscard]] constexpr double si() const { return si_; }

  friend constexpr auto operator<=>(Quantity, Quantity) = default;
  constexpr Quantity& operator+=(Quantity b) { return si_ += b.si_, *this; }
  constexpr Quantity& operator-=(Quantity b) { return si_ -= b.si_, *this; }
  constexpr Quantity& operator*=(double ratio) { return si_ *= ratio, *this; }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.si_ + b.si_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.si_ - b.si_); }
  friend constexpr Quantity operator-(Quantity a) { return Quantity(-a.si_); }
  friend constexpr Quantity operator*(Quantity a, double ratio) { return Quantity(a.si_ * ratio); }
  friend constexpr Quantity operator*(double ratio, Quantity a) { return Quantity(a.si_ * ratio); }
  friend constexpr Quantity operator/(Quantity a, double ratio) { return Quantity(a.si_ / ratio); }

 private:
  double si_ = 0.0;
};

template <Dimension A, Dimension B>
constexpr auto operator*(Quantity<A> a, Quantity<B> b) {
  if constexpr (A + B == Dimension{}) {
    return a.si() * b.si();
  } else {
    return Quantity<A + B>(a.si() * b.si());
  }
}
template <Dimension A, Dimension B>
constexpr auto operator/(Quantity<A> a, Quantity<B> b) {
  if constexpr (A - B == Dimension{}) {
    return a.si() / b.si();
  } else {
    return Quantity<A - B>(a.si() / b.si());
  }
}
template <Dimension A>
constexpr auto operator/(double ratio, Quantity<A> a) {
  return Quantity<Dimension{} - A>(ratio / a.si());
}

using Seconds = Quantity<Dimension{.second = 1}>;
using Hertz = Quantity<Dimension{.second = -1}>;
using Bytes = Quantity<Dimension{.byte = 1}>;
using BytesPerSecond = Quantity<Dimension{.byte = 1, .second = -1}>;
using Flops = Quantity<Dimension{.flop = 1}>;
using FlopsPerSecond = Quantity<Dimension{.flop = 1, .second = -1}>;
using Joules = Quantity<Dimension{.joule = 1}>;
using Watts = Quantity<Dimension{.joule = 1, .second = -1}>;
using JoulesPerFlop = Quantity<Dimension{.flop = -1, .joule = 1}>;
using JoulesPerByte = Quantity<Dimension{.byte = -1, .joule = 1}>;
using Kelvins = Quantity<Dimension{.kelvin = 1}>;  ///< a difference; see Temperature
using PerKelvin = Quantity<Dimension{.kelvin = -1}>;
using KelvinsPerWatt = Quantity<Dimension{.joule = -1, .kelvin = 1, .second = 1}>;
/// A conductance, or the heat that a stream takes up per kelvin.
using WattsPerKelvin = Quantity<Dimension{.joule = 1, .kelvin = -1, .second = -1}>;
using JoulesPerKelvin = Quantity<Dimension{.joule = 1, .kelvin = -1}>;
using CubicMetresPerSecond = Quantity<Dimension{.second = -1, .metre = 3}>;
using Kilograms = Quantity<Dimension{.kilogram = 1}>;
using KilogramsPerSecond = Quantity<Dimension{.second = -1, .kilogram = 1}>;
using KilogramsPerCubicMetre = Quantity<Dimension{.metre = -3, .kilogram = 1}>;
using JoulesPerKilogramKelvin = Quantity<Dimension{.joule = 1, .kelvin = -1, .kilogram = -1}>;

/// An absolute temperature; the difference of two is in Kelvins.
class Temperature {
 public:
  constexpr Temperature() = default;  ///< absolute zero
  static constexpr Temperature kelvin(double k) { return Temperature(k); }
  static constexpr Temperature celsius(double c) { return Temperature(c + kZeroCelsius); }
  [[nodiscard]] constexpr double kelvin() const { return kelvin_; }
  [[nodiscard]] constexpr double celsius() const { return kelvin_ - kZeroCelsius; }

  friend constexpr auto operator<=>(Temperature, Temperature) = default;
  friend constexpr Kelvins operator-(Temperature a, Temperature b) {
    return Kelvins(a.kelvin_ - b.kelvin_);
  }
  friend constexpr Temperature operator+(Temperature a, Kelvins b) {
    return Temperature(a.kelvin_ + b.si());
  }
  friend constexpr Temperature operator-(Temperature a, Kelvins b) {
    return Temperature(a.kelvin_ - b.si());
  }

 private:
  static constexpr double kZeroCelsius = 273.15;
  constexpr explicit Temperature(double k) : kelvin_(k) {}
  double kelvin_ = 0;
};
constexpr Temperature max(Temperature a, Temperature b) { return a < b ? b : a; }
constexpr Temperature min(Temperature a, Temperature b) { return b < a ? b : a; }

constexpr Seconds microseconds(double us) { return Seconds(us * 1e-6); }
constexpr Bytes gigabytes(double gb) { return Bytes(gb * 1e9); }

template <Dimension D>
constexpr Quantity<D> max(Quantity<D> a, Quantity<D> b) {
  return a < b ? b : a;
}
template <Dimension D>
constexpr Quantity<D> min(Quantity<D> a, Quantity<D> b) {
  return b < a ? b : a;
}

/// A number with its unit, as read from text: `value` is in SI units of `dimension`.
struct Measure {
  double value = 0.0;
  Dimension dimension;
  bool absolute = false;  ///< "25 degC": a temperature, in kelvin, that is no difference
};

/// Reads "3.35 TB/s", "700 W", "200 Gbit/s", "1.5 us", "80 GiB", "25 degC", "1105 CFM". Decimal
/// prefixes are powers of 1000, `Ki`/`Mi`/`Gi`/`Ti` powers of 1024; a bit is an eighth of a byte.
/// @throws std::invalid_argument with what is wrong when the number, the unit or the space between
/// is malformed; a bare number is dimensionless.
Measure parse_measure(const std::string& text);

/// What a dimension is called in messages and an example to imitate: "a bandwidth such as '50
/// GB/s'".
std::string describe(Dimension dimension);
/// What any quantity of that dimension in a file may be, in SI units: zero, or from `low` to
/// `high`. Beyond it a number is a slip of the hand, and results would be none.
struct Limits {
  double low = 0, high = 0;
};
Limits limits_of(Dimension dimension);

/// Human-readable text with four significant digits and a fitting prefix: "1.234 ms", "80.00 GB".
std::string to_text(Seconds value);
std::string to_text(Bytes value);
std::string to_text(BytesPerSecond value);
std::string to_text(FlopsPerSecond value);
std::string to_text(Hertz value);
std::string to_text(Watts value);
std::string to_text(Joules value);
std::string to_text(Temperature value);  ///< "25.0 degC"

}  // namespace orrery
