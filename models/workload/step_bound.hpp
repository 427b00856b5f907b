#pragma once
/// A lower bound on the time of a training step, without its outline: what every stage computes,
/// and what must come before and after it.

#include <array>
#include <map>
#include <vector>

#include <orrery/strategy.hpp>

#include "workload/step_parts.hpp"

namespace orrery::workload {

/// What the kernels of a layer, and what a device keeps of it, depend on in a search.
using LayerKey = std::array<double, 7>;
LayerKey layer_key(const Recipe& recipe);

/// With M microbatches, forwards F and backwards B of all chunks of stage s, and f, b those of the
/// first chunk with their messages, a step takes at least
///
///     max over s ( sum over j < s of f_j + M (F_s + B_s) + sum over j < s of b_j ) + tail of stage
///     0
///
/// where only kernels, blocking collectives and host times on the compute stream count: a stage
/// runs them one after the other, starts when the first microbatch has come through the stages
/// before it and ends before the last one goes back through them. Overlapped communication, what it
/// slows, the host's launches and waiting for other microbatches only add to that. Where devices
/// differ, the greatest of these for the fastest of them and, for every kind and every stage that
/// has a device of it, for that device among the fastest in the other stages.
///
/// For the recipes of one search, which differ in what a search chooses.
class StepBound {
 public:
  /// Keeps references.
  StepBound(const Platform& platform, const WorkTimes& times);

  /// Of one rank and its peers in the other stages.
  /// @throws ConfigError where something cannot be costed, or the ranks do not fit the platform.
  Seconds of(const Recipe& recipe);

 private:
  // On the compute stream. Where stages talk over links that are not alike, kernels alone count.
  struct Span {
    Seconds kernels{}, all{};
    Span& operator+=(const Span& more);
    friend Span operator*(double times, const Span& span) {
      return {span.kernels * times, span.all * times};
    }
  };
  // Parts of a forward and of a backward; arrays by LayerKind.
  struct Pieces {
    Span forward[2], backward[2], recomputed[2];  // of a layer
    Span embedding[2], head[2];                   // forward, backward
    Span reduce[2], reduce_ends[2][2];            // of gradients after every layer, and of the ends
    std::vector<Seconds> message;                 // by links; negative: not known yet
  };
  // Who can talk over what.
  struct Links {
    bool alike = true;      // the groups of all stages
    std::vector<int> next;  // of every stage to the one after it, as an index into layouts_
  };
  struct PassTimes {
    Seconds forward{}, backward{};
  };
  using LinksKey = std::array<int, 7>;
  using PiecesKey = std::array<double, 11>;
  static constexpr int kFastest = -1;  // of all kinds of devices
  using TailKey = std::array<int, 10>;

  Pieces& pieces(const Recipe& recipe, int kind);
  Pieces make_pieces(const Recipe& recipe) const;
  void add_layers(const Recipe& recipe, ChunkBuilder& chunks, Outline& outline,
                  Pieces& result) const;
  void add_reductions(const Recipe& recipe, DataParallel& data, Outline& outline,
                      Pieces& result) const;
  const Links& links(const Recipe& recipe);
  Links make_links(const Recipe& recipe);
  int number(const GroupLayout& layout);
  const Span& tail(const Recipe& recipe);
  Seconds message(const Recipe& recipe, Pieces& pieces, int links);
  [[nodiscard]] Span sum(const Outline& outline, const Routine& routine) const;
  void add_pass_times(const Recipe& recipe, const Pieces& pieces, bool alike);
  Seconds with_kind(const Recipe& recipe, int kind, const Groups& groups, const Links& links);
  Seconds pipeline(const Recipe& recipe, Pieces& pieces, const Links& links, int microbatches);

  const Platform& platform_;
  const WorkTimes& times_;
  std::vector<std::vector<int>> devices_of_;  // by kind, ascending; none where all are alike
  int kind_ = kFastest;                       // on which kernels are timed
  std::map<PiecesKey, Pieces> pieces_;
  std::map<LinksKey, Links> links_;
  std::map<TailKey, Span> tails_;
  std::vector<GroupLayout> layouts_;
  std::vector<PassTimes> first_, all_;  // of every stage: of its first chunk, of all of them
};

}  // namespace orrery::workload
