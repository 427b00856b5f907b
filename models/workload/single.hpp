#pragma once
/// Workloads of one kernel, one collective, or one transformer layer: what micro-benchmarks
/// measure.

#include <memory>

#include <orrery/field.hpp>
#include <orrery/workload.hpp>

namespace orrery {

/// Registry names `gemm`, `attention`, `stream`, `collective`, `transformer_layer`.
std::unique_ptr<const Workload> make_gemm(Reader& reader);
std::unique_ptr<const Workload> make_attention(Reader& reader);
std::unique_ptr<const Workload> make_stream(Reader& reader);
std::unique_ptr<const Workload> make_collective(Reader& reader);
std::unique_ptr<const Workload> make_transformer_layer(Reader& reader);

/// The keys that they read.
const Table& gemm_table();
const Table& attention_table();
const Table& stream_table();
const Table& collective_table();
const Table& transformer_layer_table();

}  // namespace orrery
