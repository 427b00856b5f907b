#include "report/summary_text.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {

std::string SummaryText::bar(double share) const {
  static constexpr const char* eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int cells = std::max(10, options_.width - 48);
  const auto filled = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * cells * 8));
  std::string text;
  for (int i = 0; i < filled / 8; ++i) text += "█";
  text += eighths[filled % 8];
  const int used = filled / 8 + (filled % 8 > 0 ? 1 : 0);
  return fmt::format("{}{}{}{}", style(kCyan), text, style(kReset),
                     std::string(static_cast<std::size_t>(std::max(0, cells - used)), ' '));
}

std::string grouped(double value) {
  const std::string digits = fmt::format("{:.0f}", value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

const char* title_of(Tile tile) {
  switch (tile) {
    case Tile::Compute:
      return "compute";
    case Tile::TensorComm:
      return "tensor-parallel comm";
    case Tile::PipelineComm:
      return "pipeline messages";
    case Tile::DataComm:
      return "data-parallel comm";
    case Tile::ContextComm:
      return "context-parallel comm";
    case Tile::ExpertComm:
      return "expert-parallel comm";
    case Tile::Bubble:
      return "pipeline bubble";
    case Tile::DataWait:
      return "waiting for data";
    case Tile::Checkpoint:
      return "checkpoint";
    case Tile::Host:
      return "waiting for the host";
    case Tile::Optimizer:
      return "optimizer";
  }
  return "?";
}

}  // namespace orrery
