#include "workload/layer_kernels.hpp"
#include "workload/linear_kernels.hpp"

namespace orrery::workload {

namespace {

void add_joining(const Shapes& s, EndKernels& ends) {
  const double hidden = s.recipe.model.hidden;
  const Linear join = linear(s, {.name = "join",
                                 .rows = s.tokens,
                                 .outputs = hidden,
                                 .inputs = 2 * hidden / s.tensor,
                                 .input = Input::Norm});
  ends.join = join.forward;
  ends.join_input_grad = join.input_grad;
  ends.join_weight_grad = join.weight_grad;
  for (const char* name : {"hidden_norm", "embedding_norm"}) {
    append(ends.join_norms, norm_forward(s, name));
    append(ends.join_norms_grad, norm_backward(s, name));
  }
}

}  // namespace

EndKernels end_kernels(const Recipe& recipe) {
  const Shapes s(recipe);
  const double hidden = recipe.model.hidden, e = s.element;
  const double columns = recipe.padded_vocabulary() / s.tensor;
  // The head stays in 16 bits under fp8 recipes.
  const Dtype dtype = recipe.activation_type();
  const auto product = [&](double m, double n, double k) {
    return Gemm{.m = m, .n = n, .k = k, .dtype = dtype, .output_size = Bytes(e)};
  };
  EndKernels ends;
  const double elements = s.tokens * hidden;
  add_memory(ends.embedding, "embedding", elements * (e + s.residual));
  if (recipe.model.position == Position::Learned) {
    add_memory(ends.embedding, "positions", elements * 2 * s.residual + elements * e);
  }
  if (recipe.model.dropout) {
    add_memory(ends.embedding, "dropout", s.split_tokens * hidden * (2 * s.residual + kMask));
  }
  // Sorting and adding rows: read the gradient, read and write the table's rows.
  add_memory(ends.embedding_grad, "embedding_grad", elements * (s.residual + 2 * 4));
  ends.final_norm = norm_forward(s, "final_norm");
  ends.final_norm_grad = norm_backward(s, "final_norm_grad");
  ends.logits.push_back({.name = "logits", .shape = product(s.tokens, columns, hidden)});
  // Fused: two reads of 16-bit logits and their gradient written in place. Otherwise cast to fp32,
  // maximum, subtract, exponentiate, sum and divide forward; scale and cast backward.
  const double logits = s.tokens * columns;
  if (recipe.software.fused_cross_entropy) {
    add_memory(ends.loss, "cross_entropy", logits * 2 * e);
    add_memory(ends.loss_grad, "cross_entropy_grad", logits * 2 * e);
  } else {
    ends.loss.push_back(memory_work("cross_entropy", logits * (e + 4 + 4 + 8 + 8 + 4 + 8) / 6));
    ends.loss.back().repeat = 6;
    ends.loss_grad.push_back(memory_work("cross_entropy_grad", logits * (8 + 4 + e) / 2));
    ends.loss_grad.back().repeat = 2;
  }
  if (recipe.software.train_metrics > 0) {
    // a cast to fp32 and a log-softmax each
    ends.loss.push_back(memory_work("train_metric", logits * (e + 4 + 8) / 2));
    ends.loss.back().repeat = 2 * recipe.software.train_metrics;
  }
  ends.logits_input_grad.push_back(
      {.name = "logits_grad", .shape = product(s.tokens, hidden, columns)});
  add_weight_gradient(s, "logits_grad", {.m = columns, .n = hidden, .k = s.tokens, .dtype = dtype},
                      ends.logits_weight_grad);
  if (recipe.model.mtp_layers > 0) add_joining(s, ends);
  return ends;
}

Block optimizer_kernels(const Recipe& recipe, double held, double gradients) {
  Block block;
  const double gradient = size_of(recipe.software.gradient).si();
  add_memory(block, "grad_norm", gradients * gradient);
  add_memory(block, "optimizer", held * recipe.software.optimizer_traffic.si());
  if (recipe.precision == Dtype::Fp8) add_memory(block, "fp8_weights", gradients * 4);
  return block;
}
}  // namespace orrery::workload
