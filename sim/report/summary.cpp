#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <orrery/report.hpp>

namespace orrery {
namespace {

constexpr const char* kBold = "\033[1m";
constexpr const char* kDim = "\033[2m";
constexpr const char* kRed = "\033[31m";
constexpr const char* kCyan = "\033[36m";
constexpr const char* kReset = "\033[0m";

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

std::string gibibytes(Bytes bytes) { return fmt::format("{:.2f} GiB", bytes.si() / 1073741824.0); }

// "169341" as "169,341".
std::string grouped(double value) {
  const std::string digits = fmt::format("{:.0f}", value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

class Summary {
 public:
  Summary(const Report& report, const TextOptions& options) : report_(report), options_(options) {}

  std::string text() {
    heading();
    if (report_.throughput) {
      throughput();
      breakdown();
    }
    if (report_.memory) memory();
    if (report_.throughput && !report_.collective) collectives();
    for (const std::string& warning : report_.warnings) {
      const bool estimate = warning.rfind("estimate:", 0) == 0;
      line("{}{}{}{}", style(estimate ? kDim : kRed), estimate ? "" : "warning: ", warning,
           style(kReset));
    }
    if (options_.timing) {
      line("\nsimulated in {} with {} events, {} of memory", to_text(report_.cost.wall),
           report_.step.events, gibibytes(report_.cost.peak_memory));
    }
    return std::move(out_);
  }

 private:
  template <class... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    out_ += fmt::format(format, std::forward<Arguments>(arguments)...);
    out_ += '\n';
  }
  [[nodiscard]] const char* style(const char* code) const { return options_.colour ? code : ""; }

  void section(const std::string& title) { line("\n{}{}{}", style(kBold), title, style(kReset)); }

  // A bar of eighths of a cell, as long as `share` of the width that is left beside the numbers.
  [[nodiscard]] std::string bar(double share) const {
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

  void heading() {
    line("{}{}{}{}{}", style(kBold), report_.scenario, style(kReset),
         report_.description.empty() ? "" : " - ", report_.description);
    line("{}{}, {} x {}{}", style(kDim), report_.system, report_.devices, report_.accelerator,
         style(kReset));
  }

  void throughput() {
    const Throughput& t = *report_.throughput;
    if (report_.collective) {
      section("Collective");
      line("  time                {}", to_text(t.step_time));
      line("  bus bandwidth       {}", to_text(report_.collective->bus_bandwidth));
      line("  algorithm bandwidth {}", to_text(report_.collective->algorithm_bandwidth));
      line("  algorithm           {} / {}", report_.collective->algorithm,
           report_.collective->protocol);
      return;
    }
    section("Throughput");
    line("  step time     {}", to_text(t.step_time));
    if (t.tokens_per_second > 0) {
      line("  tokens/s      {}  ({} per device)", grouped(t.tokens_per_second),
           grouped(t.tokens_per_second_per_device));
    }
    if (t.model_per_device.si() > 0) {
      line("  model FLOP/s  {} per device, MFU {:.1f} %", to_text(t.model_per_device), t.mfu * 100);
    }
    if (t.hardware_per_device > t.model_per_device) {
      line("  with recompute {} per device, HFU {:.1f} %", to_text(t.hardware_per_device),
           t.hfu * 100);
    }
  }

  void breakdown() {
    if (report_.collective) return;
    const Seconds step = report_.throughput->step_time;
    const auto ranks = report_.step.rank_tiles.size();
    section(ranks > 1 ? fmt::format("Where the time goes (mean of {} devices, {} simulated)",
                                    report_.devices, ranks)
                      : "Where the time goes");
    for (int i = 0; i < kTileCount; ++i) {
      const Seconds time = report_.step.breakdown[static_cast<std::size_t>(i)];
      if (time / step < 5e-5) continue;
      line("  {:<22}{} {:>5.1f} %  {}", title_of(static_cast<Tile>(i)), bar(time / step),
           time / step * 100, to_text(time));
    }
    Seconds kernels{};
    for (const auto& [name, time] : report_.step.kernel_time) kernels += time;
    if (kernels.si() <= 0) return;
    std::string shares;
    for (const auto& [name, time] : report_.step.kernel_time) {
      if (time / kernels < 5e-4) continue;
      shares +=
          fmt::format("{}{} {:.1f} %", shares.empty() ? "" : ", ", name, time / kernels * 100);
    }
    line("  {}of kernel time: {}{}", style(kDim), shares, style(kReset));
  }

  void memory() {
    const MemoryReport& m = *report_.memory;
    section("Memory of the fullest device");
    const auto item = [&](const char* name, Bytes bytes) {
      line("  {:<22}{} {:>5.1f} %  {}", name, bar(bytes / m.capacity), bytes / m.capacity * 100,
           gibibytes(bytes));
    };
    item("weights", m.use.weights);
    item("gradients", m.use.gradients);
    item("optimizer state", m.use.optimizer);
    item("activations", m.use.activations);
    item("buffers, runtime", m.use.buffers);
    item("total", m.use.total());
    line("  {} of {} {}", gibibytes(m.use.total()), gibibytes(m.capacity),
         m.fits ? "(estimate)" : "");
    if (m.fits) return;
    line("\n{}does not fit:{} {} too much", style(kRed), style(kReset),
         gibibytes(m.use.total() - m.capacity));
    line("nearest change that fits: {}", m.advice);
  }

  void collectives() {
    if (report_.step.collectives.empty()) return;
    section("Communication");
    for (const CollectiveSummary& c : report_.step.collectives) {
      if (c.count == 0) continue;
      line("  {:<38} {:>6} x {:>9}  {} {}", c.label, c.count, to_text(c.alone), c.algorithm,
           c.protocol);
    }
  }

  const Report& report_;
  const TextOptions& options_;
  std::string out_;
};

}  // namespace

std::string to_summary(const Report& report, const TextOptions& options) {
  return Summary(report, options).text();
}

}  // namespace orrery
