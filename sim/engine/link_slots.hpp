#pragma once
/// What the collectives of a program take of the links that each of its ranks has of its own.

#include <cstdint>
#include <span>
#include <vector>

#include <orrery/program.hpp>

#include "engine/cost_table.hpp"

namespace orrery {

/// Platform resources that can hold a flow up, as numbered slots. A resource that another one
/// bounds in every collective at least as tightly never can, and is left out: in most machines one
/// is left inside a server and one between servers. What `placed` layouts name is no rank's own and
/// is not here.
class LinkSlots {
 public:
  struct Need {
    std::uint32_t slot = 0;
    double per_byte = 1;
  };

  /// Keeps references; the slots are found at the first question.
  LinkSlots(const WorkTables& tables, const CostTable& costs) : tables_(tables), costs_(costs) {}

  /// Of every slot, for one rank.
  [[nodiscard]] const std::vector<BytesPerSecond>& capacity() const {
    if (!known_) find();
    return capacity_;
  }
  /// Of flow `flow` of collective `index`; none where its layout is placed, or it names none.
  [[nodiscard]] std::span<const Need> of(std::uint32_t index, std::size_t flow) const {
    if (!known_) find();
    const std::size_t at = first_[index] + flow;
    return std::span(needs_).subspan(begin_[at], begin_[at + 1] - begin_[at]);
  }

 private:
  struct Candidates;
  void find() const;
  void fill(const Candidates& candidates, const std::vector<std::uint32_t>& slots) const;

  const WorkTables& tables_;
  const CostTable& costs_;
  mutable bool known_ = false;
  mutable std::vector<BytesPerSecond> capacity_;
  mutable std::vector<Need> needs_;
  mutable std::vector<std::size_t> first_;  // by collective: its first flow
  mutable std::vector<std::size_t> begin_;  // by flow, one more at the end: its needs
};

}  // namespace orrery
