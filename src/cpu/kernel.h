// How the CPU backend turns a node into code: an ordered list of implementations per operator, best first, `reference` last.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/thread_pool.h"
#include "cpu/views.h"
#include "ir/graph.h"

namespace ropeway::cpu {

// Channels of one block of the blocked layout: a cache line of floats, whatever the vector width.
inline constexpr int64_t kBlock = 16;

// a / b, rounded up; b > 0, a > −b.
constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Where the elements of an f32 tensor [N, C, spatial…] lie.
enum class Layout : uint8_t {
  plain,    // row-major
  blocked,  // [N][⌈C / 16⌉][spatial][16]; channels beyond C hold values that nobody may rely on: what the operator makes of 0 there, or finite ones, where those before are finite
  any,      // only in Implementation: whatever the first data input has
};

// Elements that a tensor takes up in a layout.
int64_t physical_count(const Shape& shape, Layout layout);

// What is fused into the kernel of a node: after the operator, first the bias and the residual are added, then the activation is applied, then the result
// is rounded.
struct Fusion {
  ValueId bias = kNoValue;                // a constant along the last dimension, for MatMul
  ValueId residual = kNoValue;            // of the output's shape
  std::optional<UnaryParams> activation;
  bool round_f16 = false;                 // to 16-bit floats, kept in 32 bits: Cast to f16 and back
  bool empty() const { return bias == kNoValue && residual == kNoValue && !activation && !round_f16; }
};

struct KernelRequest {
  const Graph& graph;
  const Node& node;
  Fusion fusion;
  Layout layout = Layout::plain;  // of the data inputs and the output, for an implementation with Layout::any
  ThreadPool* pool = nullptr;     // that will run it, and packs its weights; may be left out where only `declines` is asked
  bool half_weights = false;      // weights may be stored in 16 bits; arithmetic is fp32 all the same
  double weight_growth = std::numeric_limits<double>::infinity();  // at most so many times as many weights may come of it by a transform
  const Views* views = nullptr;   // where an attention's first three inputs lie, if not as they are

  const Shape& input_shape(size_t i) const { return graph.type(node.input(i)).shape; }
  const Shape& output_shape() const { return graph.type(node.outputs[0]).shape; }
  // Constant input i, or nullptr.
  const Tensor* constant(size_t i) const { return graph.is_constant(node.input(i)) ? &*graph.value(node.input(i)).constant : nullptr; }
  const View* view(size_t i) const {
    if (views == nullptr) return nullptr;
    const auto found = views->find(node.input(i));
    return found == views->end() ? nullptr : &found->second;
  }
  int threads() const { return pool == nullptr ? 1 : pool->threads(); }
  // Every input and output is f32.
  bool all_f32() const;
};

// A node made ready to run: weights packed, sizes fixed. Immutable, used by many threads at once.
class Kernel {
 public:
  virtual ~Kernel() = default;
  // `inputs` are the operator's, in order (nullptr for one left out, and for constants when packs_constants()), then the residual if there is one.
  // `scratch` has scratch_bytes(), 64-byte aligned, contents undefined. Must not allocate.
  virtual void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, ThreadPool& pool) const = 0;
  virtual size_t scratch_bytes() const { return 0; }
  // True when it keeps its own copy of all constant inputs, so that the originals can be freed.
  virtual bool packs_constants() const { return false; }
  // Bytes of weights that it holds.
  virtual size_t weight_bytes() const { return 0; }
  // Of these, the bytes of weights stored in 16 bits.
  virtual size_t half_weight_bytes() const { return 0; }
};

struct Implementation {
  const char* name;  // "conv.direct"
  Layout in;         // of the data inputs (constants are always plain)
  Layout out;
  // Why it cannot serve the request; "" when it can.
  std::string (*declines)(const KernelRequest& request);
  // Packs weights. Only called when it does not decline.
  std::unique_ptr<Kernel> (*make)(const KernelRequest& request);
  // It reads constant input 1, its weights, in parts (`begin_reading`), so that they need not be in memory before.
  bool reads_weights = false;
  // Of one that stores more weights than it is given: how many times as many. Only called when it does not decline.
  double (*growth)(const KernelRequest& request) = nullptr;
};

// Best first. Serves any node: the last one is the reference.
std::span<const Implementation> implementations(Op op);

}  // namespace ropeway::cpu
