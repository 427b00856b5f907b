#include "units/unit_table.hpp"

namespace orrery {
namespace {

constexpr double kKibi = 1024.0;
constexpr double kMebi = kKibi * 1024.0;
constexpr double kGibi = kMebi * 1024.0;
constexpr double kTebi = kGibi * 1024.0;
constexpr double kBit = 0.125;  // bytes
constexpr double kLitrePerMinute = 1e-3 / 60.0;
constexpr double kCubicFootPerMinute = 0.3048 * 0.3048 * 0.3048 / 60.0;

constexpr Unit kUnits[] = {
    {"s", 1.0, Seconds::kDimension},
    {"ms", 1e-3, Seconds::kDimension},
    {"us", 1e-6, Seconds::kDimension},
    {"ns", 1e-9, Seconds::kDimension},
    {"min", 60.0, Seconds::kDimension},
    {"h", 3600.0, Seconds::kDimension},
    {"day", 86400.0, Seconds::kDimension},
    {"B", 1.0, Bytes::kDimension},
    {"KB", 1e3, Bytes::kDimension},
    {"MB", 1e6, Bytes::kDimension},
    {"GB", 1e9, Bytes::kDimension},
    {"TB", 1e12, Bytes::kDimension},
    {"PB", 1e15, Bytes::kDimension},
    {"KiB", kKibi, Bytes::kDimension},
    {"MiB", kMebi, Bytes::kDimension},
    {"GiB", kGibi, Bytes::kDimension},
    {"TiB", kTebi, Bytes::kDimension},
    {"bit", kBit, Bytes::kDimension},
    {"kbit", kBit * 1e3, Bytes::kDimension},
    {"Mbit", kBit * 1e6, Bytes::kDimension},
    {"Gbit", kBit * 1e9, Bytes::kDimension},
    {"Tbit", kBit * 1e12, Bytes::kDimension},
    {"B/s", 1.0, BytesPerSecond::kDimension},
    {"KB/s", 1e3, BytesPerSecond::kDimension},
    {"MB/s", 1e6, BytesPerSecond::kDimension},
    {"GB/s", 1e9, BytesPerSecond::kDimension},
    {"TB/s", 1e12, BytesPerSecond::kDimension},
    {"PB/s", 1e15, BytesPerSecond::kDimension},
    {"KiB/s", kKibi, BytesPerSecond::kDimension},
    {"MiB/s", kMebi, BytesPerSecond::kDimension},
    {"GiB/s", kGibi, BytesPerSecond::kDimension},
    {"TiB/s", kTebi, BytesPerSecond::kDimension},
    {"bit/s", kBit, BytesPerSecond::kDimension},
    {"kbit/s", kBit * 1e3, BytesPerSecond::kDimension},
    {"Mbit/s", kBit * 1e6, BytesPerSecond::kDimension},
    {"Gbit/s", kBit * 1e9, BytesPerSecond::kDimension},
    {"Tbit/s", kBit * 1e12, BytesPerSecond::kDimension},
    {"FLOP", 1.0, Flops::kDimension},
    {"MFLOP", 1e6, Flops::kDimension},
    {"GFLOP", 1e9, Flops::kDimension},
    {"TFLOP", 1e12, Flops::kDimension},
    {"PFLOP", 1e15, Flops::kDimension},
    {"EFLOP", 1e18, Flops::kDimension},
    {"FLOP/s", 1.0, FlopsPerSecond::kDimension},
    {"MFLOP/s", 1e6, FlopsPerSecond::kDimension},
    {"GFLOP/s", 1e9, FlopsPerSecond::kDimension},
    {"TFLOP/s", 1e12, FlopsPerSecond::kDimension},
    {"PFLOP/s", 1e15, FlopsPerSecond::kDimension},
    {"EFLOP/s", 1e18, FlopsPerSecond::kDimension},
    {"W", 1.0, Watts::kDimension},
    {"kW", 1e3, Watts::kDimension},
    {"MW", 1e6, Watts::kDimension},
    {"GW", 1e9, Watts::kDimension},
    {"J", 1.0, Joules::kDimension},
    {"kJ", 1e3, Joules::kDimension},
    {"MJ", 1e6, Joules::kDimension},
    {"kWh", 3.6e6, Joules::kDimension},
    {"MWh", 3.6e9, Joules::kDimension},
    {"Hz", 1.0, Hertz::kDimension},
    {"kHz", 1e3, Hertz::kDimension},
    {"MHz", 1e6, Hertz::kDimension},
    {"GHz", 1e9, Hertz::kDimension},
    {"J/FLOP", 1.0, JoulesPerFlop::kDimension},
    {"pJ/FLOP", 1e-12, JoulesPerFlop::kDimension},
    {"J/B", 1.0, JoulesPerByte::kDimension},
    {"pJ/B", 1e-12, JoulesPerByte::kDimension},
    {"pJ/bit", 1e-12 / kBit, JoulesPerByte::kDimension},
    {"K", 1.0, Kelvins::kDimension},
    {"degC", 1.0, Kelvins::kDimension, 273.15, true},
    {"/K", 1.0, PerKelvin::kDimension},
    {"K/W", 1.0, KelvinsPerWatt::kDimension},
    {"W/K", 1.0, WattsPerKelvin::kDimension},
    {"kW/K", 1e3, WattsPerKelvin::kDimension},
    {"J/K", 1.0, JoulesPerKelvin::kDimension},
    {"kJ/K", 1e3, JoulesPerKelvin::kDimension},
    {"MJ/K", 1e6, JoulesPerKelvin::kDimension},
    {"m3/s", 1.0, CubicMetresPerSecond::kDimension},
    {"m3/h", 1.0 / 3600.0, CubicMetresPerSecond::kDimension},
    {"L/s", 1e-3, CubicMetresPerSecond::kDimension},
    {"L/min", kLitrePerMinute, CubicMetresPerSecond::kDimension},
    {"CFM", kCubicFootPerMinute, CubicMetresPerSecond::kDimension},
    {"kg", 1.0, Kilograms::kDimension},
    {"kg/s", 1.0, KilogramsPerSecond::kDimension},
    {"kg/m3", 1.0, KilogramsPerCubicMetre::kDimension},
    {"J/(kg K)", 1.0, JoulesPerKilogramKelvin::kDimension},
};

}  // namespace

std::span<const Unit> units() { return kUnits; }

}  // namespace orrery
