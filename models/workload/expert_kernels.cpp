#include "workload/expert_kernels.hpp"

namespace orrery::workload {
namespace {

// Bytes per score of a token and expert. One kernel each: softmax, top-k, its scatter to a map and
// to weights, the load-balancing loss and the counts of copies per expert; four in backward. Fused:
// scores read, weights and map written; scores, weights and gradient in backward.
struct RoutingBytes {
  double forward, backward;
  int forward_kernels, backward_kernels;
};
constexpr RoutingBytes kEager{32, 20, 6, 4};
constexpr RoutingBytes kFused{9, 12, 1, 1};

const ExpertSpec& spec(const Shapes& s) { return *s.recipe.model.moe; }

void add_kernels(Block& block, const char* name, double bytes, int kernels) {
  block.push_back(memory_work(name, bytes / kernels));
  block.back().repeat = kernels;
}

Linear router(const Shapes& s) {
  const double hidden = s.recipe.model.hidden, experts = spec(s).experts;
  const Dtype dtype = s.recipe.router_type();
  const auto product = [&](double n, double k) {
    return Gemm{
        .m = s.split_tokens, .n = n, .k = k, .dtype = dtype, .output_size = size_of(Dtype::Fp32)};
  };
  Linear result;
  if (size_of(dtype).si() > s.element) {
    add_memory(result.forward, "router_cast", s.split_tokens * hidden * (s.element + 4));
  }
  result.forward.push_back({.name = "router", .shape = product(experts, hidden)});
  result.input_grad.push_back({.name = "router", .shape = product(hidden, experts)});
  add_weight_gradient(s, "router", {.m = experts, .n = hidden, .k = s.split_tokens, .dtype = dtype},
                      result.weight_grad);
  return result;
}

// Fills the buffers that are sent: `copies` of tokens' rows, cast first where they go in fp8.
void add_send(const Shapes& s, const char* name, double copies, Block& block) {
  const double hidden = s.recipe.model.hidden;
  const double sent = size_of(s.recipe.dispatch_type()).si();
  if (sent < s.element) add_memory(block, "fp8_cast", s.split_tokens * hidden * (s.element + sent));
  add_memory(block, name, (s.split_tokens + copies) * hidden * sent);
}

// What arrives is in order of the sender; experts want theirs together.
void add_sort(const Shapes& s, const ExpertCopies& copies, const char* name, double element,
              Block& block) {
  if (s.recipe.parallelism.expert == 1 || copies.local == 1) return;
  add_memory(block, name, copies.held * s.recipe.model.hidden * 2 * element);
}

void add_routing(const Shapes& s, ExpertKernels& kernels) {
  const RoutingBytes& bytes = s.recipe.software.fused_routing ? kFused : kEager;
  const double scores = s.split_tokens * spec(s).experts;
  const Linear route = router(s);
  const double sum = s.split_tokens * s.recipe.model.hidden * 3 * s.element;
  kernels.route = route.forward;
  add_kernels(kernels.route, "routing", scores * bytes.forward, bytes.forward_kernels);
  add_kernels(kernels.route_grad, "routing_grad", scores * bytes.backward, bytes.backward_kernels);
  append(kernels.route_grad, route.input_grad);
  append(kernels.route_grad, route.weight_grad);
  add_memory(kernels.route_grad, "gradient_sum", sum);  // of the router's and the experts'
  if (spec(s).shared > 0) {
    add_memory(kernels.route_grad, "gradient_sum", sum);
    add_memory(kernels.combine, "shared_add", sum);
  }
}

void add_experts(const Shapes& s, const ExpertCopies& copies, ExpertKernels& kernels) {
  const Recipe& recipe = s.recipe;
  const double hidden = recipe.model.hidden;
  const double split = recipe.parallelism.expert_tensor;
  const double rows = copies.held / copies.local;
  const double columns = spec(s).feed_forward / split;
  const double columns_in = columns * (recipe.model.gated_mlp ? 2 : 1);
  const double sent = size_of(recipe.dispatch_type()).si();
  const bool in_fp8 = s.fp8 && recipe.dispatch_type() == Dtype::Fp8;
  const Linear fc1 = linear(s, {.name = "expert_fc1",
                                .rows = rows,
                                .outputs = columns_in,
                                .inputs = hidden,
                                .input = in_fp8 ? Input::Fp8 : Input::Other,
                                .batch = copies.local});
  const Linear fc2 = linear(s, {.name = "expert_fc2",
                                .rows = rows,
                                .outputs = hidden,
                                .inputs = columns,
                                .batch = copies.local,
                                .fp8_gradient = in_fp8});
  add_sort(s, copies, "sort_copies", sent, kernels.experts);
  append(kernels.experts, fc1.forward);
  // The router's weight of a copy is multiplied in here.
  append(kernels.experts, activation_forward(s, copies.held, columns));
  append(kernels.experts, fc2.forward);
  add_sort(s, copies, "unsort_copies", s.element, kernels.experts);

  Block& grad = kernels.experts_grad;
  add_sort(s, copies, "unsort_copies_grad", sent, grad);
  append(grad, fc2.input_grad);
  if (recipe.recomputes(&RecomputeModules::expert_activation)) {
    append(grad, activation_forward(s, copies.held, columns));
  }
  append(grad, fc2.weight_grad);
  append(grad, activation_backward(s, copies.held, columns));
  append(grad, fc1.input_grad);
  append(grad, fc1.weight_grad);
  add_sort(s, copies, "sort_copies_grad", s.element, grad);
}

}  // namespace

ExpertCopies::ExpertCopies(const Shapes& s) {
  const Parallelism& layout = s.recipe.parallelism;
  sent = s.split_tokens * spec(s).per_token * (layout.capacity > 0 ? layout.capacity : 1.0);
  received = s.split_tokens * spec(s).per_token * layout.expert_load();
  held = received * layout.expert_tensor;
  local = spec(s).experts / layout.expert;
}

ExpertKernels expert_kernels(const Shapes& s) {
  const ExpertCopies copies(s);
  const double row = s.recipe.model.hidden * s.element;
  ExpertKernels kernels;
  add_routing(s, kernels);
  add_send(s, "permute_copies", copies.sent, kernels.route);
  add_experts(s, copies, kernels);
  const Block shared = kernels.combine;
  kernels.combine.clear();
  add_memory(kernels.combine, "weighted_sum", (copies.sent + s.split_tokens) * row);
  append(kernels.combine, shared);
  add_send(s, "weighted_sum_grad", copies.sent, kernels.combine_grad);
  Block back;
  add_memory(back, "permute_copies_grad", (copies.sent + s.split_tokens) * row);
  append(back, kernels.route_grad);
  kernels.route_grad = back;
  return kernels;
}

}  // namespace orrery::workload
