#include <gtest/gtest.h>

#include <string>

#include <orrery/node.hpp>

namespace orrery {
namespace {

/// A node on one line, to compare trees whatever their places.
std::string flow(const Node& node) {
  std::string text;
  switch (node.kind()) {
    case Node::Kind::Null:
      return "~";
    case Node::Kind::Scalar:
      return node.text();
    case Node::Kind::Sequence:
      for (const Node& item : node.items()) text += (text.empty() ? "" : ", ") + flow(item);
      return "[" + text + "]";
    case Node::Kind::Map:
      break;
  }
  for (const auto& [key, where, value] : node.entries()) {
    text += (text.empty() ? "" : ", ") + key + ": " + flow(value);
  }
  return "{" + text + "}";
}

Node tree_of(const std::string& text) { return parse_yaml(text, "f"); }
std::string merged(const std::string& base, const std::string& over) {
  return flow(tree_of(base).merged_with(tree_of(over)));
}
std::string path_error(const std::string& tree, const std::string& path) {
  try {
    static_cast<void>(tree_of(tree).with_value_at(path, Node()));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Location, LeavesOutThePlaceWhenItIsTheWholeInput) {
  EXPECT_EQ((Location{.file = "f"}.text()), "f");
  EXPECT_EQ((Location{.file = "f", .line = 2, .column = 3}.text()), "f:2:3");
}

TEST(NodeMerge, MergesMapsKeyByKeyAndReplacesTheRest) {
  EXPECT_EQ(merged("{a: {x: 1, y: 2}, b: [1, 2], c: 3}", "{a: {y: 5, z: 6}, b: [9], d: 4}"),
            "{a: {x: 1, y: 5, z: 6}, b: [9], c: 3, d: 4}");
  EXPECT_EQ(merged("{a: {x: 1}}", "{a: ~}"), "{a: ~}");
  EXPECT_EQ(merged("{a: 1}", "{a: {x: 1}}"), "{a: {x: 1}}");
}

TEST(NodeMerge, ChangesNothingWithItselfOrAnEmptyMap) {
  for (const char* text : {"{a: 1}", "{a: {b: [1, {c: 2}]}, d: ~}", "{}"}) {
    EXPECT_EQ(merged(text, text), flow(tree_of(text)));
    EXPECT_EQ(merged(text, "{}"), flow(tree_of(text)));
    EXPECT_EQ(merged("{}", text), flow(tree_of(text)));
  }
}

TEST(NodeMerge, IsAssociative) {
  const Node a = tree_of("{p: {x: 1, y: {k: 1}}, q: 1}");
  const Node b = tree_of("{p: {y: {l: 2}, z: 3}, r: [1]}");
  const Node c = tree_of("{p: {y: {k: 9}}, q: {m: 1}, r: [2, 3]}");
  const Node model = tree_of("{p: {model: z, y: {k: 2}}}");
  EXPECT_EQ(flow(a.merged_with(model).merged_with(c)), flow(a.merged_with(model.merged_with(c))));
  EXPECT_EQ(flow(a.merged_with(b).merged_with(model)), flow(a.merged_with(b.merged_with(model))));
  EXPECT_EQ(flow(a.merged_with(b).merged_with(c)), flow(a.merged_with(b.merged_with(c))));
}

TEST(NodeMerge, ReplacesAMapBelowByOneThatNamesItsModel) {
  EXPECT_EQ(merged("{a: {model: m, x: 1}}", "{a: {model: n, y: 2}}"), "{a: {model: n, y: 2}}");
  EXPECT_EQ(merged("{a: {model: m, x: 1}}", "{a: {model: m, y: 2}}"), "{a: {model: m, y: 2}}");
  EXPECT_EQ(merged("{a: {model: m, x: 1}}", "{a: {y: 2}}"), "{a: {model: m, x: 1, y: 2}}");
  // At the top somebody asked for both; a map under `model` is no name.
  EXPECT_EQ(merged("{model: m, x: 1}", "{model: n}"), "{model: n, x: 1}");
  EXPECT_EQ(merged("{a: {model: {x: 1}}}", "{a: {model: {y: 2}}}"), "{a: {model: {x: 1, y: 2}}}");
}

TEST(NodeMerge, KeepsThePlaceOfEveryValue) {
  const Node base = parse_yaml("a: 1\nb: 2\n", "base");
  const Node all = base.merged_with(parse_yaml("b: 3\n", "over"));
  EXPECT_EQ(all.find("a")->where().text(), "base:1:4");
  EXPECT_EQ(all.find("b")->where().text(), "over:1:4");
}

TEST(NodePath, ReplacesAndAddsValues) {
  const Node value = Node::scalar("9", {});
  const Node tree = tree_of("{w: {ranks: 1}, s: [{l: 1}, {l: 2}], m: [[1, 2]]}");
  EXPECT_EQ(flow(*tree.with_value_at("w.ranks", value).find("w")), "{ranks: 9}");
  EXPECT_EQ(flow(*tree.with_value_at("w.new", value).find("w")), "{ranks: 1, new: 9}");
  EXPECT_EQ(flow(*tree.with_value_at("s[1].l", value).find("s")), "[{l: 1}, {l: 9}]");
  EXPECT_EQ(flow(*tree.with_value_at("m[0][1]", value).find("m")), "[[1, 9]]");
}

TEST(NodePath, LeavesTheOriginalAlone) {
  const Node tree = tree_of("{a: {b: 1}}");
  static_cast<void>(tree.with_value_at("a.b", Node()));
  EXPECT_EQ(flow(tree), "{a: {b: 1}}");
}

TEST(NodePath, MakesMissingMapsBelowTheTopLevel) {
  const Node tree = tree_of("{a: {use: x}}").with_value_at("a.b.c", tree_of("9"));
  EXPECT_EQ(flow(tree), "{a: {use: x, b: {c: 9}}}");
}

TEST(NodePath, NamesTheMissingFirstStepWithASuggestion) {
  EXPECT_EQ(path_error("{workload: {ranks: 1}}", "worklod.ranks"),
            "path 'worklod.ranks': no key 'worklod' in the top level (f:1:1)"
            "; did you mean 'workload'?");
}

TEST(NodePath, RejectsStepsThatDoNotFit) {
  EXPECT_EQ(path_error("{s: [1, 2]}", "s[2]"),
            "path 's[2]': no item 2 in 's' (f:1:5); it has 2 item(s), counted from 0");
  EXPECT_EQ(path_error("{a: 1}", "a.b"), "path 'a.b': 'a' (f:1:5) is no map");
  EXPECT_EQ(path_error("{a: 1}", "a[0]"), "path 'a[0]': 'a' (f:1:5) is no sequence");
}

TEST(NodePath, RejectsMalformedPaths) {
  for (const char* path : {"", ".", "a.", "a..b", ".a", "[0]", "a[", "a[x]", "a[-1]", "a[1",
                           "a[0]b", "a[99999999999999999999]"}) {
    EXPECT_THROW(static_cast<void>(tree_of("{a: [1]}").with_value_at(path, Node())), ConfigError)
        << path;
  }
}

TEST(DidYouMean, FindsWhatIsWithinTwoEdits) {
  EXPECT_EQ(did_you_mean("tensor_paralel", {"pipeline", "tensor_parallel"}),
            "; did you mean 'tensor_parallel'?");
  EXPECT_EQ(did_you_mean("nvilnk", {"nvlink"}), "; did you mean 'nvlink'?");  // one swap
  EXPECT_EQ(did_you_mean("ranxyz", {"ranks"}), "");                           // three edits
}

TEST(DidYouMean, PrefersTheNearestAndThenTheFirst) {
  EXPECT_EQ(did_you_mean("bf17", {"fp16", "bf16"}), "; did you mean 'bf16'?");
  EXPECT_EQ(did_you_mean("aab", {"aac", "aad"}), "; did you mean 'aac'?");
}

TEST(DidYouMean, DoesNotTurnAShortNameIntoAnother) {
  EXPECT_EQ(did_you_mean("x", {"y"}), "");
  EXPECT_EQ(did_you_mean("ab", {"cd"}), "");
}

}  // namespace
}  // namespace orrery
