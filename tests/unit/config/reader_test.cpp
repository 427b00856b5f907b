#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <orrery/reader.hpp>

namespace orrery {
namespace {

using Messages = std::vector<std::string>;

/// The messages after `read` has read the map `text`, called "link".
template <class Read>
Messages errors_of(const std::string& text, Read read) {
  Diagnostics diagnostics;
  Reader reader(parse_yaml(text, "f"), "link", diagnostics);
  read(reader);
  try {
    diagnostics.throw_if_any();
  } catch (const ConfigError& error) {
    return error.messages();
  }
  return {};
}

template <class Q>
Messages quantity_errors(const std::string& value) {
  return errors_of("x: " + value, [](Reader& r) { r.quantity<Q>("x"); });
}

TEST(ReaderQuantity, IsReadInSiUnits) {
  errors_of("{bandwidth: 50 GB/s, latency: '5 us'}", [](Reader& r) {
    EXPECT_EQ(r.positive<BytesPerSecond>("bandwidth"), BytesPerSecond(50e9));
    EXPECT_DOUBLE_EQ(r.quantity<Seconds>("latency").si(), 5e-6);
    EXPECT_EQ(r.quantity("power", Watts(7)), Watts(7));
    EXPECT_TRUE(r.diagnostics().empty());
  });
}

TEST(ReaderQuantity, RejectsABareNumber) {
  const std::string said = "x: expected a bandwidth such as '50 GB/s'; got '50' without a unit";
  EXPECT_EQ(quantity_errors<BytesPerSecond>("50"), Messages{"f:1:4: " + said});
  EXPECT_EQ(quantity_errors<BytesPerSecond>("'50'"), Messages{"f:1:4: " + said});
}

TEST(ReaderQuantity, RejectsTheWrongDimension) {
  EXPECT_EQ(quantity_errors<Seconds>("3 GB"),
            Messages{"f:1:4: x: expected a time such as '5 us'; got '3 GB'"});
}

TEST(ReaderQuantity, PassesOnWhatIsWrongWithTheText) {
  EXPECT_EQ(quantity_errors<Bytes>("5 mb"),
            Messages{"f:1:4: x: expected a size such as '80 GB'; got '5 mb'; unknown unit 'mb'; "
                     "did you mean 'MB'?"});
}

TEST(ReaderQuantity, RejectsNegativeNotFiniteAndNonScalarValues) {
  EXPECT_EQ(quantity_errors<Seconds>("-1 s"),
            Messages{"f:1:4: x: must not be negative; expected a time such as '5 us'; got '-1 s'"});
  EXPECT_TRUE(quantity_errors<Seconds>("0 s").empty());
  for (const char* text : {"nan s", "inf s", "[1 s]", "{a: 1 s}"}) {
    EXPECT_EQ(quantity_errors<Seconds>(text).size(), 1U) << text;
  }
}

TEST(ReaderQuantity, MustBeGreaterThanZeroWhenPositive) {
  EXPECT_EQ(errors_of("x: 0 W", [](Reader& r) { r.positive<Watts>("x"); }),
            Messages{"f:1:4: x: must be greater than zero; expected a power such as '700 W'; "
                     "got '0 W'"});
}

TEST(ReaderNumbers, ReadIntegersAlsoInScientificNotation) {
  errors_of("{a: 8, b: 15e12, c: -3, d: [1, 2]}", [](Reader& r) {
    EXPECT_EQ(r.integer("a"), 8);
    EXPECT_EQ(r.integer("b"), 15'000'000'000'000);
    EXPECT_EQ(r.integer("c", -5), -3);
    EXPECT_EQ(r.integer_or("none", 4), 4);
    EXPECT_EQ(r.integers("d"), (std::vector<std::int64_t>{1, 2}));
    EXPECT_TRUE(r.diagnostics().empty());
  });
}

TEST(ReaderNumbers, RejectWhatIsNoInteger) {
  for (const char* text : {"1.5", "8x", "'8'", "0", "0x10", "1_000", "99999999999999999999", "true",
                           "[1]", "1e99", "15e-1"}) {
    const auto errors = errors_of(std::string("n: ") + text, [](Reader& r) { r.integer("n"); });
    ASSERT_EQ(errors.size(), 1U) << text;
    EXPECT_EQ(errors[0].find("f:1:4: n: expected an integer of at least 1; got "), 0U) << errors[0];
  }
}

TEST(ReaderNumbers, KeepRatiosInTheirRange) {
  const auto read = [](Reader& r) { r.ratio("x", 0, 1); };
  EXPECT_TRUE(errors_of("x: 0", read).empty());
  EXPECT_TRUE(errors_of("x: 1", read).empty());
  const std::string expected = "f:1:4: x: expected a number between 0 and 1 without a unit; got ";
  EXPECT_EQ(errors_of("x: 1.01", read), Messages{expected + "'1.01'"});
  EXPECT_EQ(errors_of("x: 50 %", read), Messages{expected + "'50 %'"});
  EXPECT_EQ(errors_of("x: .nan", read), Messages{expected + "'.nan'"});
  EXPECT_EQ(errors_of("x: '0.5'", read), Messages{expected + "'0.5' in quotes; remove them"});
}

TEST(ReaderBoolean, AcceptsTrueAndFalseOnly) {
  EXPECT_TRUE(
      errors_of("x: true", [](Reader& r) { EXPECT_TRUE(r.boolean_or("x", false)); }).empty());
  EXPECT_EQ(errors_of("x: yes", [](Reader& r) { r.boolean_or("x", false); }),
            Messages{"f:1:4: x: expected true or false; got 'yes'"});
}

TEST(ReaderChoice, SuggestsOneOfTheOptions) {
  enum class Type { Bf16, Fp8 };
  const std::vector<std::pair<std::string, Type>> options{{"bf16", Type::Bf16}, {"fp8", Type::Fp8}};
  EXPECT_EQ(errors_of("x: bf61", [&](Reader& r) { r.choice("x", options); }),
            Messages{"f:1:4: x: expected one of bf16, fp8; got 'bf61'; did you mean 'bf16'?"});
  errors_of("x: fp8", [&](Reader& r) {
    EXPECT_EQ(r.choice("x", options), Type::Fp8);
    EXPECT_EQ(r.choice("y", options, std::optional(Type::Bf16)), Type::Bf16);
  });
}

TEST(ReaderKeys, AreReportedWhenMissing) {
  EXPECT_EQ(
      errors_of("a: 1\nb:\n",
                [](Reader& r) {
                  r.integer("ranks");
                  r.integer("b");
                }),
      (Messages{"f:1:1: missing key 'ranks' in link", "f:2:1: missing value of 'b' in link"}));
}

TEST(ReaderKeys, WithoutAValueCountAsAbsentWhenOptional) {
  errors_of("a: ~", [](Reader& r) {
    EXPECT_FALSE(r.has("a"));
    EXPECT_EQ(r.text_or("a", "fallback"), "fallback");
    EXPECT_TRUE(r.diagnostics().empty());
  });
}

TEST(ReaderKeys, AreReportedWhenUnknown) {
  const auto read = [](Reader& r) {
    Reader child = r.child("parallelism");
    child.integer_or("tensor_parallel", 1);
    child.integer_or("pipeline_parallel", 1);
    child.finish();
  };
  EXPECT_EQ(errors_of("parallelism:\n  tensor_paralel: 8\n", read),
            Messages{"f:2:3: unknown key 'tensor_paralel' in parallelism; did you mean "
                     "'tensor_parallel'?"});
  EXPECT_EQ(errors_of("parallelism: {colour: red}", read),
            Messages{"f:1:15: unknown key 'colour' in parallelism; expected one of "
                     "tensor_parallel, pipeline_parallel"});
}

TEST(ReaderKeys, AreKnownWhenIgnoredOrReadRaw) {
  EXPECT_TRUE(errors_of("{source: x, notes: [1], a: {b: 1}}", [](Reader& r) {
                r.ignore("source");
                r.ignore("notes");
                EXPECT_EQ(r.raw("a").find("b")->text(), "1");
                EXPECT_EQ(r.raw("none").kind(), Node::Kind::Null);
                EXPECT_EQ(r.keys(), (Messages{"source", "notes", "a"}));
                r.finish();
              }).empty());
}

TEST(ReaderChildren, AreNamedByTheirIndex) {
  EXPECT_EQ(errors_of("stages: [{layers: 1}, {layer: 2}, 3]",
                      [](Reader& r) {
                        for (Reader& stage : r.children("stages")) {
                          stage.integer_or("layers", 1);
                          stage.finish();
                        }
                      }),
            (Messages{"f:1:24: unknown key 'layer' in stages[1]; did you mean 'layers'?",
                      "f:1:35: stages[2]: expected a map of keys; got '3'"}));
}

TEST(ReaderChild, ReportsOnceWhenRequiredAndMissing) {
  const auto read = [](Reader& r) {
    Reader child = r.child("nic");
    child.integer("ports");
    child.finish();
  };
  EXPECT_EQ(errors_of("{}", read), Messages{"f:1:1: missing key 'nic' in link"});
  EXPECT_EQ(errors_of("nic: 5", read), Messages{"f:1:6: nic: expected a map of keys; got '5'"});
}

TEST(ReaderChild, IsAnEmptyMapWhenOptionalAndAbsent) {
  EXPECT_TRUE(errors_of("{}", [](Reader& r) {
                Reader child = r.child("nic", false);
                EXPECT_EQ(child.integer_or("ports", 2), 2);
                child.finish();
                EXPECT_TRUE(r.children("ports", false).empty());
              }).empty());
}

TEST(Diagnostics, HoldsAllErrorsSortedByPlace) {
  EXPECT_EQ(errors_of("a: 1\nb: x\nspare: 1\nc: 5 W\n",
                      [](Reader& r) {
                        r.finish();  // reports all as unknown, first
                        r.quantity<Seconds>("c");
                        r.integer("b");
                        r.text("none");
                      }),
            (Messages{"f:1:1: unknown key 'a' in link; expected no keys",
                      "f:1:1: missing key 'none' in link",
                      "f:2:1: unknown key 'b' in link; expected no keys",
                      "f:2:4: b: expected an integer of at least 1; got 'x'",
                      "f:3:1: unknown key 'spare' in link; expected no keys",
                      "f:4:1: unknown key 'c' in link; expected no keys",
                      "f:4:4: c: expected a time such as '5 us'; got '5 W'"}));
}

TEST(Diagnostics, SortsLinesAsNumbersWithinEachFileAndDropsRepeats) {
  Diagnostics diagnostics;
  diagnostics.error("b:10:1: late");
  diagnostics.error("a:1:1: other file");
  diagnostics.error("b:9:2: early");
  diagnostics.error({.file = "b", .line = 10, .column = 1}, "late");
  diagnostics.error({}, "no place");
  try {
    diagnostics.throw_if_any();
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.messages(),
              (Messages{"b:9:2: early", "b:10:1: late", "a:1:1: other file", "no place"}));
    EXPECT_STREQ(error.what(), "b:9:2: early\nb:10:1: late\na:1:1: other file\nno place");
  }
}

TEST(Check, ThrowsInternalErrorWithTheCondition) {
  EXPECT_NO_THROW(ORRERY_CHECK(1 + 1 == 2));
  EXPECT_THROW(ORRERY_CHECK(1 + 1 == 3), InternalError);
}

}  // namespace
}  // namespace orrery
