#include "workload/step_bound.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::workload {
namespace {

// Sums are made in another order than a step's: by so much, as a ratio, they may come out higher.
constexpr double kRounding = 1e-9;

constexpr LayerKind kKinds[] = {LayerKind::Dense, LayerKind::Expert};

std::size_t at(LayerKind kind) { return static_cast<std::size_t>(kind); }

bool has(const ModelSpec& model, LayerKind kind) {
  return kind == LayerKind::Expert ? model.moe.has_value() : model.expert_layers() < model.layers;
}

bool gathers_layers(const Recipe& recipe) {
  const Sharding sharding = recipe.parallelism.sharding;
  return sharding == Sharding::Zero2 || sharding == Sharding::Zero3 || sharding == Sharding::Hybrid;
}

// The groups of a recipe, with what they talk over. Who stands for whom is not asked: finding the
// classes of a machine that is not uniform would take longer than all the rest.
struct LinkedGroups {
  LinkedGroups(const Recipe& recipe, const Platform& platform, WorkTables& tables)
      : job(platform, Groups(recipe, platform).layout(), false), groups(recipe, job, tables) {}

  FoldedJob job;
  Groups groups;
};

// Of `layers` layers from the first of a chunk on: those whose backward recomputes them.
int recomputed_layers(const Recipe& recipe, int layers) {
  if (!recipe.recomputes_layers()) return 0;
  return std::min(layers, static_cast<int>(std::ceil(recipe.recompute_fraction * layers)));
}

}  // namespace

LayerKey layer_key(const Recipe& recipe) {
  const Parallelism& p = recipe.parallelism;
  return {static_cast<double>(p.tensor),
          static_cast<double>(p.expert_tensor),
          static_cast<double>(p.expert),
          static_cast<double>(p.context),
          recipe.microbatch,
          static_cast<double>(recipe.recompute),
          static_cast<double>(p.sequence ? 1 : 0)};
}

StepBound::Span& StepBound::Span::operator+=(const Span& more) {
  kernels += more.kernels;
  all += more.all;
  return *this;
}

StepBound::StepBound(const Platform& platform, const WorkTimes& times)
    : platform_(platform), times_(times) {
  if (platform.kinds().size() == 1) return;
  devices_of_.resize(platform.kinds().size());
  for (int device = 0; device < platform.devices(); ++device) {
    devices_of_[static_cast<std::size_t>(platform.kind(device))].push_back(device);
  }
}

Seconds StepBound::of(const Recipe& recipe) {
  const Groups groups(recipe, platform_);
  const Links& between = links(recipe);
  Pieces& known = pieces(recipe, kFastest);
  add_pass_times(recipe, known, between.alike);
  Seconds least = pipeline(recipe, known, between, groups.microbatches());
  const std::vector<PassTimes> first = first_, all = all_;
  for (std::size_t kind = 0; kind < devices_of_.size(); ++kind) {
    least = max(least, with_kind(recipe, static_cast<int>(kind), groups, between));
    first_ = first;
    all_ = all;
  }
  const Span& end = tail(recipe);
  return (least + (between.alike ? end.all : end.kernels)) * (1 - kRounding);
}

// The longest with one stage on a device of this kind. @pre the times of passes are those of the
// fastest.
Seconds StepBound::with_kind(const Recipe& recipe, int kind, const Groups& groups,
                             const Links& links) {
  const std::vector<PassTimes> first = first_, all = all_;
  Pieces& known = pieces(recipe, kind);
  add_pass_times(recipe, known, links.alike);
  const std::vector<PassTimes> first_here = first_, all_here = all_;
  const std::vector<int>& devices = devices_of_[static_cast<std::size_t>(kind)];
  Seconds most{};
  for (std::size_t stage = 0; stage < all.size(); ++stage) {
    const int begin = static_cast<int>(stage) * groups.devices_per_stage();
    const auto device = std::lower_bound(devices.begin(), devices.end(), begin);
    if (device == devices.end() || *device >= begin + groups.devices_per_stage()) continue;
    first_ = first;
    all_ = all;
    first_[stage] = first_here[stage];
    all_[stage] = all_here[stage];
    most = max(most, pipeline(recipe, known, links, groups.microbatches()));
  }
  return most;
}

StepBound::Span StepBound::sum(const Outline& outline, const Routine& routine) const {
  Span result;
  for (const Step& step : routine.steps) {
    if (step.call >= 0) {
      result += static_cast<double>(step.repeat) *
                sum(outline, outline.routines[static_cast<std::size_t>(step.call)]);
    } else if (step.op.stream != Stream::Compute) {
      continue;
    } else if (step.op.kind == Op::Kind::Compute) {
      for (const Work& work : outline.blocks[step.op.work]) {
        const Seconds time =
            kind_ == kFastest ? times_.of(work) : times_.of(work, static_cast<std::size_t>(kind_));
        result += {time, time};
      }
    } else if (step.op.kind == Op::Kind::Collective) {
      result.all += times_.of(outline.collectives[step.op.work].request);
    } else {
      const Seconds time = outline.host_times[step.op.work];
      result += {time, time};
    }
  }
  return result;
}

StepBound::Pieces& StepBound::pieces(const Recipe& recipe, int kind) {
  const bool gathers = gathers_layers(recipe);
  const LayerKey layer = layer_key(recipe);
  PiecesKey key{};
  const auto next = std::copy(layer.begin(), layer.end(), key.begin());
  next[0] = gathers ? static_cast<double>(recipe.parallelism.sharding) : -1;
  next[1] = gathers ? recipe.parallelism.data : 0;
  next[2] = recipe.software.overlap.grad_reduce ? 1 : 0;
  next[3] = kind;
  const auto found = pieces_.find(key);
  if (found != pieces_.end()) return found->second;
  kind_ = kind;
  return pieces_.emplace(key, make_pieces(recipe)).first->second;
}

StepBound::Pieces StepBound::make_pieces(const Recipe& recipe) const {
  Outline outline;
  LinkedGroups linked(recipe, platform_, outline);
  Groups& groups = linked.groups;
  ChunkBuilder chunks(recipe, groups, outline, 0);
  DataParallel data(recipe, groups, 0);
  Pieces result;
  add_layers(recipe, chunks, outline, result);
  for (const bool head : {false, true}) {
    const ChunkShape end{.embedding = !head, .head = head};
    Span(&of)[2] = head ? result.head : result.embedding;
    of[0] = sum(outline, outline.routines[chunks.forward(end)]);
    of[1] = sum(outline, outline.routines[chunks.backward(end)]);
  }
  if (gathers_layers(recipe) && !recipe.software.overlap.grad_reduce) {
    add_reductions(recipe, data, outline, result);
  }
  return result;
}

void StepBound::add_layers(const Recipe& recipe, ChunkBuilder& chunks, Outline& outline,
                           Pieces& result) const {
  for (const LayerKind kind : kKinds) {
    if (!has(recipe.model, kind)) continue;
    Sequence forward(outline), backward(outline), recomputed(outline);
    chunks.forward_layer(forward, kind);
    chunks.backward_layer(backward, kind, false);
    chunks.backward_layer(recomputed, kind, true);
    result.forward[at(kind)] = sum(outline, forward.finish());
    result.backward[at(kind)] = sum(outline, backward.finish());
    result.recomputed[at(kind)] = sum(outline, recomputed.finish());
  }
}

// Gradients that are reduced as soon as they are there, with nothing beside it.
void StepBound::add_reductions(const Recipe& recipe, DataParallel& data, Outline& outline,
                               Pieces& result) const {
  if (!data.reduces_beside()) return;
  const auto reduced = [&](const DeviceParameters& parameters) {
    Sequence sequence(outline);
    data.reduce_layer(sequence, parameters);
    return sum(outline, sequence.finish());
  };
  for (const LayerKind kind : kKinds) {
    if (!has(recipe.model, kind)) continue;
    result.reduce[at(kind)] = reduced(layer_parameters(recipe, kind));
  }
  for (const bool embedding : {false, true}) {
    for (const bool head : {false, true}) {
      if (!embedding && !head) continue;
      result.reduce_ends[embedding ? 1 : 0][head ? 1 : 0] =
          reduced(end_parameters(recipe, embedding, head));
    }
  }
}

const StepBound::Links& StepBound::links(const Recipe& recipe) {
  const Parallelism& p = recipe.parallelism;
  const LinksKey key = {p.tensor,
                        p.expert_tensor,
                        p.expert,
                        p.context,
                        p.pipeline,
                        p.data,
                        p.sharding == Sharding::Hybrid ? 1 : 0};
  const auto found = links_.find(key);
  if (found != links_.end()) return found->second;
  return links_.emplace(key, make_links(recipe)).first->second;
}

StepBound::Links StepBound::make_links(const Recipe& recipe) {
  WorkTables tables;
  LinkedGroups linked(recipe, platform_, tables);
  Groups& groups = linked.groups;
  Links result;
  for (int stage = 0; stage < recipe.parallelism.pipeline; ++stage) {
    const int rank = stage * groups.devices_per_stage();
    for (const GroupKind kind : groups.meeting()) {
      if (groups.span(kind, rank).count == 1) continue;
      result.alike = result.alike && groups.links(kind, rank) == groups.links(kind, 0);
    }
    if (recipe.parallelism.pipeline == 1) continue;
    const std::uint32_t to_next = groups.collective(
        GroupKind::NextStage, rank, CollectiveKind::SendRecv, Bytes(1), recipe.activation_type());
    result.next.push_back(number(tables.collectives[to_next].request.layout));
  }
  return result;
}

int StepBound::number(const GroupLayout& layout) {
  const auto same = std::find(layouts_.begin(), layouts_.end(), layout);
  const auto index = static_cast<int>(same - layouts_.begin());
  if (same == layouts_.end()) layouts_.push_back(layout);
  return index;
}

const StepBound::Span& StepBound::tail(const Recipe& recipe) {
  const Parallelism& p = recipe.parallelism;
  const TailKey key = {p.tensor,
                       p.expert_tensor,
                       p.expert,
                       p.context,
                       p.pipeline,
                       p.data,
                       p.interleave,
                       static_cast<int>(p.sharding),
                       recipe.software.overlap.grad_reduce ? 1 : 0,
                       recipe.software.overlap.param_gather ? 1 : 0};
  const auto [known, added] = tails_.try_emplace(key);
  if (!added) return known->second;
  kind_ = kFastest;
  Outline outline;
  LinkedGroups linked(recipe, platform_, outline);
  Groups& groups = linked.groups;
  DataParallel data(recipe, groups, 0);
  Sequence sequence(outline);
  add_tail(recipe, groups, data, 0, sequence);
  return known->second = sum(outline, sequence.finish());
}

Seconds StepBound::message(const Recipe& recipe, Pieces& pieces, int links) {
  const auto index = static_cast<std::size_t>(links);
  if (pieces.message.size() <= index) pieces.message.resize(index + 1, Seconds(-1));
  Seconds& known = pieces.message[index];
  if (known < Seconds(0)) {
    known = times_.of({.kind = CollectiveKind::SendRecv,
                       .bytes = message_bytes(recipe),
                       .dtype = recipe.activation_type(),
                       .layout = layouts_[index]});
  }
  return known;
}

void StepBound::add_pass_times(const Recipe& recipe, const Pieces& pieces, bool alike) {
  const int stages = recipe.parallelism.pipeline;
  const int parts = stages * recipe.parallelism.interleave;
  const auto time = [alike](const Span& span) { return alike ? span.all : span.kernels; };
  const auto experts = [&](int first, int count) {
    return recipe.model.moe ? recipe.model.expert_layers(first, count) : 0;
  };
  all_.assign(static_cast<std::size_t>(stages), PassTimes{});
  first_.resize(all_.size());
  int first_layer = 0;
  for (int part = 0; part < parts; ++part) {
    const int layers = part_layers(recipe, part), again = recomputed_layers(recipe, layers);
    const double of_kind[2] = {static_cast<double>(layers - experts(first_layer, layers)),
                               static_cast<double>(experts(first_layer, layers))};
    const double again_of_kind[2] = {static_cast<double>(again - experts(first_layer, again)),
                                     static_cast<double>(experts(first_layer, again))};
    first_layer += layers;
    PassTimes pass;
    for (std::size_t kind = 0; kind < 2; ++kind) {
      pass.forward += of_kind[kind] * time(pieces.forward[kind]);
      pass.backward += (of_kind[kind] - again_of_kind[kind]) * time(pieces.backward[kind]) +
                       again_of_kind[kind] * time(pieces.recomputed[kind]) +
                       of_kind[kind] * time(pieces.reduce[kind]);
    }
    const bool embedding = part == 0, head = part == parts - 1;
    if (embedding) pass.forward += time(pieces.embedding[0]);
    if (embedding) pass.backward += time(pieces.embedding[1]);
    if (head) pass.forward += time(pieces.head[0]);
    if (head) pass.backward += time(pieces.head[1]);
    pass.backward += time(pieces.reduce_ends[embedding ? 1 : 0][head ? 1 : 0]);
    const auto stage = static_cast<std::size_t>(part % stages);
    if (part < stages) first_[stage] = pass;
    all_[stage].forward += pass.forward;
    all_[stage].backward += pass.backward;
  }
}

Seconds StepBound::pipeline(const Recipe& recipe, Pieces& pieces, const Links& links,
                            int microbatches) {
  const std::size_t stages = all_.size();
  const bool blocking = !recipe.software.overlap.p2p;
  const double chunks = recipe.parallelism.interleave;
  const auto to_next = [&](std::size_t stage) {
    return stages > 1 && links.alike ? message(recipe, pieces, links.next[stage]) : Seconds(0);
  };
  Seconds fill{}, drain{}, most{};
  for (std::size_t stage = 0; stage < stages; ++stage) {
    const Seconds forth = to_next(stage), back = to_next((stage + stages - 1) % stages);
    Seconds busy = all_[stage].forward + all_[stage].backward;
    if (blocking) {
      busy += (stage + 1 == stages ? chunks - 1 : chunks) * forth +
              (stage == 0 ? chunks - 1 : chunks) * back;
    }
    most = max(most, fill + static_cast<double>(microbatches) * busy + drain);
    fill += first_[stage].forward + forth;
    // Where messages hold the sender, that of the next stage is part of its work.
    const Seconds onward = stage == 0 ? Seconds(0) : back;
    drain += first_[stage].backward + (blocking ? onward : forth);
  }
  return most;
}

}  // namespace orrery::workload
