#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <orrery/report.hpp>

#include "report/summary_text.hpp"

namespace orrery {
namespace {

std::string gibibytes(Bytes bytes) { return fmt::format("{:.2f} GiB", bytes.si() / 1073741824.0); }

constexpr std::size_t kMostResources = 12;

class Summary {
 public:
  Summary(const Report& report, const TextOptions& options)
      : report_(report), options_(options), text_(options) {}

  std::string text() {
    heading();
    if (!report_.transfers.empty()) {
      transfers();
    } else if (report_.throughput) {
      throughput();
      breakdown();
    }
    if (report_.memory) memory();
    if (report_.throughput && !report_.collective && report_.transfers.empty()) collectives();
    if (report_.operation && !report_.collective) add_operation(report_, text_);
    for (const std::string& warning : report_.warnings) {
      const bool estimate = warning.rfind("estimate:", 0) == 0;
      text_.line("{}{}{}{}", text_.style(estimate ? kDim : kRed),
                 estimate ? "" : "warning: ", warning, text_.style(kReset));
    }
    if (options_.timing) {
      text_.line("\nsimulated in {} with {} events, {} of memory", to_text(report_.cost.wall),
                 report_.step.events, gibibytes(report_.cost.peak_memory));
    }
    return text_.take();
  }

 private:
  void heading() {
    text_.line("{}{}{}{}{}", text_.style(kBold), report_.scenario, text_.style(kReset),
               report_.description.empty() ? "" : " - ", report_.description);
    // Transfers name their parts themselves.
    const bool all = report_.devices == report_.machine_devices || !report_.transfers.empty();
    text_.line("{}{}, {} x {}{}{}", text_.style(kDim), report_.system, report_.machine_devices,
               report_.accelerator,
               all ? "" : fmt::format("; {} at work: {}", report_.devices, report_.device_names),
               text_.style(kReset));
  }

  void throughput() {
    const Throughput& t = *report_.throughput;
    if (report_.collective) {
      text_.section("Collective");
      text_.line("  time                {}", to_text(t.step_time));
      text_.line("  bus bandwidth       {}", to_text(report_.collective->bus_bandwidth));
      text_.line("  algorithm bandwidth {}", to_text(report_.collective->algorithm_bandwidth));
      text_.line("  algorithm           {} / {}", report_.collective->algorithm,
                 report_.collective->protocol);
      if (report_.devices < report_.machine_devices) {
        const bool idle = report_.collective->others == Others::Idle;
        text_.line("  other devices       {}", idle ? "idle" : "alike, in groups of this shape");
      }
      return;
    }
    text_.section("Throughput");
    text_.line("  step time     {}", to_text(t.step_time));
    if (t.tokens_per_second > 0) {
      text_.line("  tokens/s      {}  ({} per device)", grouped(t.tokens_per_second),
                 grouped(t.tokens_per_second_per_device));
    }
    if (t.model_per_device.si() > 0) {
      text_.line("  model FLOP/s  {} per device, MFU {:.1f} %", to_text(t.model_per_device),
                 t.mfu * 100);
    }
    if (t.hardware_per_device > t.model_per_device) {
      text_.line("  with recompute {} per device, HFU {:.1f} %", to_text(t.hardware_per_device),
                 t.hfu * 100);
    }
  }

  void breakdown() {
    if (report_.collective) return;
    const Seconds step = report_.throughput->step_time;
    const auto ranks = report_.step.rank_tiles.size();
    text_.section(ranks > 1 ? fmt::format("Where the time goes (mean of {} devices, {} simulated)",
                                          report_.devices, ranks)
                            : "Where the time goes");
    for (int i = 0; i < kTileCount; ++i) {
      const Seconds time = report_.step.breakdown[static_cast<std::size_t>(i)];
      if (time / step < 5e-5) continue;
      text_.line("  {:<22}{} {:>5.1f} %  {}", title_of(static_cast<Tile>(i)),
                 text_.bar(time / step), time / step * 100, to_text(time));
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
    text_.line("  {}of kernel time: {}{}", text_.style(kDim), shares, text_.style(kReset));
  }

  void transfers() {
    text_.section("Transfers");
    text_.line("  all have ended after {}", to_text(report_.throughput->step_time));
    text_.line("{}  {:<44} {:>10}  {:>9}  {:>9}  {:>11}{}", text_.style(kDim), "", "bytes",
               "starts at", "takes", "bytes/time", text_.style(kReset));
    for (const TransferReport& one : report_.transfers) {
      text_.line("  {:<44} {:>10}  {:>9}  {:>9}  {:>11}", one.name, to_text(one.bytes),
                 to_text(one.at), to_text(one.time), to_text(one.bandwidth));
      if (!one.algorithm.empty()) {
        text_.line("    algorithm bandwidth {}, bus bandwidth {}; {} / {}", to_text(one.bandwidth),
                   to_text(one.bus_bandwidth), one.algorithm, one.protocol);
      }
      const std::string why = limit_of(one);
      if (!why.empty()) text_.line("    {}", why);
    }
    text_.section("Resources, the busiest first");
    for (std::size_t i = 0; i < std::min<std::size_t>(report_.resources.size(), kMostResources);
         ++i) {
      const ResourceReport& one = report_.resources[i];
      text_.line("  {:<44} {} {:>5.1f} %  of {}{}", one.name, text_.bar(one.activity),
                 one.activity * 100, to_text(one.capacity),
                 one.power > Watts(0) ? fmt::format("  {}", to_text(one.power)) : "");
    }
    if (report_.resources.size() > kMostResources) {
      text_.line("  … and {} more (--json has all)", report_.resources.size() - kMostResources);
    }
  }

  // A transfer that others slow down says where it met them, and what it would take without them.
  static std::string limit_of(const TransferReport& one) {
    constexpr double kAsAlone = 1.001;
    std::string alone = one.alone_limit.empty() ? "" : "limited by " + one.alone_limit;
    if (one.time <= one.alone * kAsAlone) return alone;
    return fmt::format("slowed by others: {} is {:.0f} % busy; alone {}{}{}", one.busiest,
                       one.busiest_activity * 100, to_text(one.alone), alone.empty() ? "" : ", ",
                       alone);
  }

  void memory() {
    const MemoryReport& m = *report_.memory;
    text_.section("Memory of the fullest device");
    const auto item = [&](const char* name, Bytes bytes) {
      text_.line("  {:<22}{} {:>5.1f} %  {}", name, text_.bar(bytes / m.capacity),
                 bytes / m.capacity * 100, gibibytes(bytes));
    };
    item("weights", m.use.weights);
    item("gradients", m.use.gradients);
    item("optimizer state", m.use.optimizer);
    item("activations", m.use.activations);
    item("buffers, runtime", m.use.buffers);
    item("total", m.use.total());
    text_.line("  {} of {} {}", gibibytes(m.use.total()), gibibytes(m.capacity),
               m.fits ? "(estimate)" : "");
    if (m.fits) return;
    text_.line("\n{}does not fit:{} {} too much", text_.style(kRed), text_.style(kReset),
               gibibytes(m.use.total() - m.capacity));
    text_.line("nearest change that fits: {}", m.advice);
  }

  void collectives() {
    if (report_.step.collectives.empty()) return;
    text_.section("Communication");
    for (const CollectiveSummary& c : report_.step.collectives) {
      if (c.count == 0) continue;
      text_.line("  {:<38} {:>6} x {:>9}  {} {}", c.label, c.count, to_text(c.alone), c.algorithm,
                 c.protocol);
    }
  }

  const Report& report_;
  const TextOptions& options_;
  SummaryText text_;
};

}  // namespace

std::string to_summary(const Report& report, const TextOptions& options) {
  return Summary(report, options).text();
}

}  // namespace orrery
