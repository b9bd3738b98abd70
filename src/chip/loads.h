// What operators ask of the units of a chip, in whatever way a model is run.
#pragma once

#include <array>

#include "chip/cost_model.h"

namespace ropeway::chip {

// The cube multiplies 16×16 by 16×16: its operands lie in blocks of this many elements.
inline constexpr int64_t kFractal = 16;
int64_t padded(int64_t size);

// What one kernel has to do.
struct Load {
  double macs = 0;          // of the cube, padding included
  double vector_bytes = 0;  // operand bytes of vector instructions
  double bytes = 0;         // to and from memory
};

// How wide floating point is: 16 bits whatever the graph says, or as it says. Integers and booleans count as they are.
enum class Floats : uint8_t { half, as_declared };

// Loads of the nodes of a graph. Keeps references.
class Loads {
 public:
  Loads(const Graph& graph, const Soc& soc, Floats floats) : graph_(graph), soc_(soc), floats_(floats) {}

  // Multiply-accumulates, dimensions padded; 0 for what the cube does not compute.
  double macs(const Node& node) const;
  static double product_macs(int64_t m, int64_t k, int64_t n);
  double vector_bytes(const Node& node) const;
  double softmax_bytes(double elements) const { return (4 + soc_.function_instructions) * elements * 4; }

  double element_bytes(ValueId id) const;
  double count(ValueId id) const { return static_cast<double>(element_count(shape(id))); }
  double memory(ValueId id) const { return count(id) * element_bytes(id); }
  // Of what an operator only picks elements from, it reads what it delivers.
  double memory_read(const Node& node, ValueId id) const;
  const Shape& shape(ValueId id) const { return graph_.type(id).shape; }

 private:
  static double matmul_macs(const Shape& a, const Shape& b, int64_t results);
  double conv_macs(const Node& node) const;
  int instructions(UnaryFunction function) const;

  const Graph& graph_;
  const Soc& soc_;
  const Floats floats_;
};

// The products of a ScaledDotProductAttention: queries × width × keys and queries × keys × values, `heads` of each.
struct AttentionSize {
  int64_t queries, width, keys, values;
  double heads;
  double scores() const { return heads * static_cast<double>(queries * keys); }
};
AttentionSize attention_size(const Graph& graph, const Node& node);

// The time of an operator, kernel by kernel, one after the other.
class Tally {
 public:
  explicit Tally(const Soc& soc) : soc_(soc) {}

  // A kernel takes what its busiest unit takes. `floor_ms`, of `floor`: what it takes at least, for a reason of its own.
  void kernel(const Load& load, double floor_ms = 0, Bound floor = Bound::launch);
  void launch() { spent_[static_cast<size_t>(Bound::launch)] += soc_.launch_us / 1e3; }
  // Time, bytes and what most of the time is spent on, for `cost`.
  void fill(OperatorCost& cost) const;

 private:
  const Soc& soc_;
  std::array<double, kBounds> spent_{};  // ms, by Bound
  double bytes_ = 0;
};

}  // namespace ropeway::chip
