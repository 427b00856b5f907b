#include "workload/training.hpp"

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "workload/step_builder.hpp"
#include "workload/step_memory.hpp"
#include "workload/step_parts.hpp"
#include "workload/strategies.hpp"

namespace orrery {
namespace workload {
namespace {

void check_precision(const Recipe& recipe, const Platform& platform) {
  for (const DeviceKind& kind : platform.kinds()) {
    if (kind.accelerator->supports(recipe.precision)) continue;
    throw ConfigError(fmt::format("{}: precision {} has no matrix units on {}",
                                  recipe.where_precision.text(), to_text(recipe.precision),
                                  kind.accelerator->name()));
  }
}

StepWork work_of(const Recipe& recipe) {
  const double tokens = recipe.global_batch * recipe.sequence_length;
  const Flops model = tokens * recipe.model.training_flops_per_token(recipe.sequence_length,
                                                                     recipe.padded_vocabulary());
  return {.tokens = tokens,
          .samples = recipe.global_batch,
          .model_flops = model,
          .hardware_flops = model + tokens * recompute_flops_per_token(recipe),
          .dtype = recipe.precision};
}

class Training final : public Workload {
 public:
  explicit Training(Recipe recipe) : recipe_(std::move(recipe)) {}

  JobLayout layout(const Platform& platform) const override {
    check_precision(recipe_, platform);
    return Groups(recipe_, platform).layout();
  }

  std::optional<MemoryUse> memory(const Platform& platform) const override {
    const Groups groups(recipe_, platform);
    return fullest(recipe_, stage_shapes(recipe_, groups));
  }

  std::optional<StepWork> work(const Platform& platform) const override {
    StepWork work = work_of(recipe_);
    work.devices = layout(platform).ranks;
    return work;
  }

  std::unique_ptr<const StrategySpace> strategies(const Platform& platform,
                                                  const SearchValues& search) const override {
    check_precision(recipe_, platform);
    return training_strategies(recipe_, platform, search, [](Recipe recipe) {
      return std::make_unique<Training>(std::move(recipe));
    });
  }

 protected:
  LoweredWorkload build(const FoldedJob& job, const LowerOptions& options) const override {
    StepBuilder builder(recipe_, job, options);
    const StepMemory memory = step_memory(recipe_, stage_shapes(recipe_, builder.groups()),
                                          job.platform().memory_capacity());
    LoweredWorkload lowered;
    lowered.memory = memory.fullest;
    lowered.memory_advice = memory.advice;
    lowered.work = work_of(recipe_);
    const Software& software = recipe_.software;
    lowered.launch_time = software.cuda_graph
                              ? Seconds(0)
                              : software.launch_time.value_or(job.platform().launch_time());
    lowered.outline = builder.build();
    return lowered;
  }

 private:
  Recipe recipe_;
};

}  // namespace
}  // namespace workload

namespace {

const Schema<workload::Recipe>& training_schema() {
  using workload::Recipe;
  static const Schema<Recipe> result("training", Recipe::fields(), Recipe::complete);
  return result;
}

}  // namespace

const Table& training_table() { return training_schema().table(); }

std::unique_ptr<const Workload> make_training(Reader& reader) {
  reader.ignore("kind");
  return std::make_unique<workload::Training>(training_schema().read(reader));
}

}  // namespace orrery
