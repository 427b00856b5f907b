// The models of configs/ai-models have as many parameters as was published.
#include <gtest/gtest.h>

#include "workload/model_spec.hpp"

namespace orrery::workload_test {
namespace {

using workload::ModelSpec;

ModelSpec entry(const std::string& name) {
  const Library library({std::string(ORRERY_SOURCE_DIR) + "/configs"});
  Diagnostics diagnostics;
  Reader reader(library.resolve(parse_yaml("use: ai-models/" + name, "model.yaml")), "model",
                diagnostics);
  ModelSpec model = ModelSpec::read(reader);
  diagnostics.throw_if_any();
  return model;
}

// Queries and output of `a` columns, keys and values of `k`, and two norms.
double attention(double h, double a, double k) { return 2 * h * a + 2 * h * k + 2 * h; }

void expect_parameters(const std::string& name, double total, double active, double published,
                       double published_active) {
  const ModelSpec model = entry(name);
  EXPECT_NEAR(model.parameters(), total, 1e-12 * total);
  EXPECT_NEAR(model.active_parameters(), active, 1e-12 * active);
  EXPECT_NEAR(total, published, 0.01 * published);
  // Published in whole billions, without the embedding, of which a token uses one row.
  EXPECT_NEAR(active - model.embedding_parameters(model.vocabulary), published_active, 0.5e9);
}

TEST(ModelEntries, Mixtral8x7b) {
  const double h = 4096, expert = 3 * h * 14336, ends = 2 * 32000 * h + h;
  const double rest = attention(h, 4096, 1024) + 8 * h;  // and the router
  expect_parameters("mixtral-8x7b", 32 * (rest + 8 * expert) + ends,
                    32 * (rest + 2 * expert) + ends, 46.7e9, 13e9);  // arXiv:2401.04088
}

TEST(ModelEntries, Mixtral8x22b) {
  const double h = 6144, expert = 3 * h * 16384, ends = 2 * 32768 * h + h;
  const double rest = attention(h, 6144, 1024) + 8 * h;
  expect_parameters("mixtral-8x22b", 56 * (rest + 8 * expert) + ends,
                    56 * (rest + 2 * expert) + ends, 141e9, 39e9);  // the announcement's figures
}

TEST(ModelEntries, DeepseekV3) {
  const double h = 7168, heads = 128;
  const double latent = h * 1536 + 1536 * heads * 192 + h * 576 + 512 * heads * 256;
  const double layer = latent + heads * 128 * h + 1536 + 512 + 2 * h;  // norms of latents and layer
  const double expert = 3 * h * 2048, ends = 2 * 129280 * h + h;
  const double dense = 3 * (layer + 3 * h * 18432) + ends;
  expect_parameters("deepseek-v3", dense + 58 * (layer + 256 * h + 257 * expert),
                    dense + 58 * (layer + 256 * h + 9 * expert), 671e9,
                    37e9);  // arXiv:2412.19437
}

TEST(ModelEntries, Qwen3) {
  const double h = 4096, expert = 3 * h * 1536, ends = 2 * 151936 * h + h;
  const double rest = attention(h, 64 * 128, 4 * 128) + 128 * h;
  expect_parameters("qwen3-235b-a22b", 94 * (rest + 128 * expert) + ends,
                    94 * (rest + 8 * expert) + ends, 235e9, 22e9);  // arXiv:2505.09388
}

TEST(ModelEntries, Llama3) {
  const double h = 16384;
  const double total = 126 * (attention(h, h, 1024) + 3 * h * 53248) + 2 * 128256 * h + h;
  const ModelSpec model = entry("llama3-405b");
  EXPECT_NEAR(model.parameters(), total, 1e-12 * total);
  EXPECT_EQ(model.active_parameters(), model.parameters());
  EXPECT_NEAR(total, 405.9e9, 0.01 * 405.9e9);  // the published checkpoint
}

// Matrices, biases and two norms of a layer; tables of tokens and positions, a last norm.
double with_biases(double layers, double h, double vocabulary, double positions) {
  return layers * (12 * h * h + 13 * h) + (vocabulary + positions) * h + 2 * h;
}

TEST(ModelEntries, BertLarge) {
  const double total = with_biases(24, 1024, 30522, 512);
  EXPECT_NEAR(entry("bert-large").parameters(), total, 1e-12 * total);
  EXPECT_NEAR(total, 340e6, 0.02 * 340e6);  // arXiv:1810.04805, with parts that are left out
}

TEST(ModelEntries, OptLike) {
  const double total = with_biases(32, 3072, 50272, 2048);
  EXPECT_NEAR(entry("opt-like-3.6b").parameters(), total, 1e-12 * total);
}

}  // namespace
}  // namespace orrery::workload_test
