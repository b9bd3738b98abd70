// Runs one implementation of the CPU backend on a graph of one node and compares it with the operator's reference:
// on every SIMD target of this machine, with one and two threads, in every layout that is asked for.
//
//   KernelCase(Op::Conv, ConvParams{…}).input(random_tensor({1, 3, 8, 8})).constant(weights).activation({UnaryFunction::relu}).check("conv.direct", 1e-5);
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/random.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "cpu/kernel.h"
#include "ops/builder.h"
#include "ops/convert.h"
#include "ops/operator.h"

namespace ropeway::test {

// Uniform in [-scale, scale): the same for the same shape and name.
inline Tensor random_tensor(const Shape& shape, float scale = 1.0f, const std::string& name = "x") {
  Tensor tensor({DType::f32, shape});
  fill_uniform(tensor.data<float>(), stream_seed(fmt::format("{}[{}]", name, fmt::join(shape, ","))), scale);
  return tensor;
}

// The same with a NaN and both infinities in it, a third of it apart.
inline Tensor with_nan_and_infinities(Tensor tensor) {
  const std::span<float> x = tensor.data<float>();
  x[x.size() / 6] = std::numeric_limits<float>::quiet_NaN();
  x[x.size() / 2] = std::numeric_limits<float>::infinity();
  x[x.size() * 5 / 6] = -std::numeric_limits<float>::infinity();
  return tensor;
}

// True and false, about as often as each other.
inline Tensor random_flags(const Shape& shape) {
  const Tensor numbers = random_tensor(shape, 1, "flags"), middle = Tensor::of<float>({}, {0.0f});
  return evaluate(Op::Binary, BinaryParams{BinaryFunction::less}, {&numbers, &middle}).front();
}

inline bool all_finite(const Tensor& tensor) {
  if (tensor.dtype() != DType::f32) return true;
  return std::ranges::all_of(tensor.data<float>(), [](float x) { return std::isfinite(x); });
}

// Calls f() under each SIMD target that was built and that this machine has.
template <class F>
void for_each_target(const F& f) {
  const std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  for (const int64_t target : targets) {
    hwy::SetSupportedTargetsForTest(target);
    SCOPED_TRACE(hwy::TargetName(target));
    f();
  }
  hwy::SetSupportedTargetsForTest(0);
}

// Memory of exactly so many bytes between guards, which must be intact in the end.
class Guarded {
 public:
  // `offset` moves the begin off the alignment of 64 bytes, as a caller's tensor may.
  explicit Guarded(size_t bytes, size_t offset = 0) : bytes_(bytes), begin_(kGuard + offset), memory_(allocate_buffer(bytes + 2 * kGuard + offset)) {
    std::memset(memory_.get(), kFill, bytes + 2 * kGuard + offset);
  }
  std::byte* data() { return memory_.get() + begin_; }
  bool intact() const {
    const auto untouched = [](std::byte b) { return b == std::byte{kFill}; };
    return std::all_of(memory_.get(), memory_.get() + begin_, untouched) && std::all_of(memory_.get() + begin_ + bytes_, memory_.get() + begin_ + bytes_ + kGuard, untouched);
  }

 private:
  static constexpr size_t kGuard = 256;
  static constexpr unsigned char kFill = 0xa5;
  size_t bytes_, begin_;
  std::shared_ptr<std::byte> memory_;
};

// Position of element i of a plain tensor [N, C, spatial…] in the blocked layout. Written out on its own: it judges the kernels that reorder.
inline size_t blocked_position(const Shape& shape, int64_t i) {
  const int64_t pixels = element_count(std::span(shape).subspan(2)), blocks = (shape[1] + cpu::kBlock - 1) / cpu::kBlock;
  const int64_t pixel = i % pixels, channel = i / pixels % shape[1], image = i / pixels / shape[1];
  return static_cast<size_t>(((image * blocks + channel / cpu::kBlock) * pixels + pixel) * cpu::kBlock + channel % cpu::kBlock);
}

// A tensor as kernels see it.
class Placed {
 public:
  Placed(const TensorType& type, cpu::Layout layout, size_t offset)
      : type_(type), layout_(layout), memory_(static_cast<size_t>(cpu::physical_count(type.shape, layout)) * size_of(type.dtype), layout == cpu::Layout::blocked ? 0 : offset) {}
  // The elements; channels beyond the last hold numbers of no meaning.
  Placed(const Tensor& tensor, cpu::Layout layout, size_t offset) : Placed(tensor.type(), layout, offset) {
    if (layout != cpu::Layout::blocked) {
      if (tensor.bytes() > 0) std::memcpy(memory_.data(), tensor.raw(), tensor.bytes());
      return;
    }
    auto* floats = reinterpret_cast<float*>(memory_.data());
    std::fill(floats, floats + cpu::physical_count(type_.shape, layout), 1e6f);
    for (int64_t i = 0; i < tensor.count(); ++i) floats[blocked_position(type_.shape, i)] = tensor.data<float>()[static_cast<size_t>(i)];
  }

  void* data() { return memory_.data(); }

  // `finite`: what lies beyond the last channel must be finite.
  Tensor plain(bool finite = true) {
    EXPECT_TRUE(memory_.intact()) << "written outside of the output";
    Tensor result(type_);
    if (layout_ != cpu::Layout::blocked) {
      if (result.bytes() > 0) std::memcpy(result.raw(), memory_.data(), result.bytes());
      return result;
    }
    const auto* floats = reinterpret_cast<const float*>(memory_.data());
    std::vector<bool> meant(static_cast<size_t>(cpu::physical_count(type_.shape, layout_)), false);
    for (int64_t i = 0; i < result.count(); ++i) {
      const size_t position = blocked_position(type_.shape, i);
      result.data<float>()[static_cast<size_t>(i)] = floats[position];
      meant[position] = true;
    }
    for (size_t i = 0; i < meant.size(); ++i) {
      if (finite && !meant[i] && !std::isfinite(floats[i])) {
        ADD_FAILURE() << "channels beyond the last are not finite: " << floats[i] << " at " << i;
        break;
      }
    }
    return result;
  }

 private:
  TensorType type_;
  cpu::Layout layout_;
  Guarded memory_;
};

// Elements are equal (NaN to NaN), or no further apart than `tolerance` times `largest`: if it is left out, the largest finite element that is expected.
// `spreads`: NaN may stand for any element, so that none gets lost, but what is computed from it on the way may be NaN, too. A wrong number never does.
inline void expect_close(const Tensor& actual, const Tensor& expected, double tolerance, double largest = 0, bool spreads = false) {
  ASSERT_EQ(to_string(actual.type()), to_string(expected.type()));
  if (expected.dtype() != DType::f32) {
    EXPECT_EQ(std::memcmp(actual.raw(), expected.raw(), expected.bytes()), 0);
    return;
  }
  const auto a = actual.data<float>(), e = expected.data<float>();
  for (const float x : largest > 0 ? std::span<const float>() : e) largest = std::isfinite(x) ? std::max(largest, std::fabs(static_cast<double>(x))) : largest;
  for (size_t i = 0; i < e.size(); ++i) {
    if (a[i] == e[i] || (std::isnan(a[i]) && (spreads || std::isnan(e[i])))) continue;
    ASSERT_LE(std::fabs(static_cast<double>(a[i]) - static_cast<double>(e[i])), tolerance * largest) << "element " << i << " of " << to_string(expected.type()) << " is " << a[i] << ", not " << e[i];
  }
}

class KernelCase {
 public:
  KernelCase(Op op, Params params) : op_(op), params_(std::move(params)) {}

  // Inputs of the node, in order.
  KernelCase& input(Tensor tensor) { return add(std::move(tensor), false); }
  KernelCase& constant(Tensor tensor) { return add(std::move(tensor), true); }
  KernelCase& omitted() {
    inputs_.push_back(kNoValue);
    return *this;
  }
  // What is fused into it.
  KernelCase& bias(Tensor row) {
    fusion_.bias = builder_.constant("bias", row);
    bias_ = std::move(row);
    return *this;
  }
  KernelCase& residual(Tensor tensor) {
    fusion_.residual = builder_.input("residual", tensor.type());
    residual_ = std::move(tensor);
    return *this;
  }
  KernelCase& activation(UnaryParams params) {
    fusion_.activation = params;
    return *this;
  }
  // Of the pools that it runs on, in place of 1 and 2.
  KernelCase& threads(std::vector<int> counts) {
    threads_ = std::move(counts);
    return *this;
  }
  // The constant input 1 may be stored in 16 bits: from an implementation that does so is expected what it computes with it rounded to these.
  KernelCase& half_weights() {
    half_weights_ = true;
    return *this;
  }
  // To f16, kept as f32. Of a Cast it is what the fused Cast back does.
  KernelCase& rounded() {
    fusion_.round_f16 = true;
    return *this;
  }

  // What errors are relative to, if not the largest element that is expected.
  KernelCase& judged_by(double largest) {
    largest_ = largest;
    return *this;
  }
  // In the implementations of these names: see expect_close.
  KernelCase& nan_may_spread_in(std::vector<std::string> names) {
    spreads_in_ = std::move(names);
    return *this;
  }
  // What a sum of products may reach: the largest element of the operator on absolute values, plus the residual. Errors of sums are relative to this.
  KernelCase& judged_by_terms() {
    build();
    std::vector<Tensor> terms;
    for (const Tensor& each : tensors_) terms.push_back(each.count() == 0 ? each : evaluate(Op::Unary, UnaryParams{UnaryFunction::abs, 0, 0}, {&each}).front());
    const Tensor sum = evaluate(op_, params_, arguments_of(terms)).front();
    for (const float x : sum.data<float>()) largest_ = std::isfinite(x) ? std::max(largest_, static_cast<double>(x)) : largest_;
    largest_ += residual_ || bias_ ? 1 : 0;
    return *this;
  }

  // Whether any kernel that was checked stored weights in 16 bits.
  bool stored_half() const { return stored_half_; }

  // Why the implementation declines: "" when it serves.
  std::string declines(const std::string& name, cpu::Layout layout = cpu::Layout::plain) {
    build();
    return row(name).declines(request(layout));
  }

  // Fails unless `name` serves the node and agrees with the reference. `layouts`: those of the data, for an implementation that takes any.
  void check(const std::string& name, double tolerance, const std::vector<cpu::Layout>& layouts = {cpu::Layout::plain}) {
    build();
    check_row(row(name), tolerance, layouts);
  }

  // Every implementation that serves the node, but for the reference, agrees with it, in every layout that it takes. `tolerance`: by name. Returns their names.
  template <class F>
  std::vector<std::string> check_all(const F& tolerance) {
    build();
    std::vector<std::string> served;
    const auto rows = cpu::implementations(op_);
    for (const cpu::Implementation& each : rows.first(rows.size() - 1)) {
      std::vector<cpu::Layout> layouts;
      for (const cpu::Layout layout : {cpu::Layout::plain, cpu::Layout::blocked}) {
        const bool taken = each.in == cpu::Layout::any ? layout == cpu::Layout::plain || can_be_blocked() : layout == each.in;
        if (taken && each.declines(request(layout)).empty()) layouts.push_back(layout);
      }
      if (layouts.empty()) continue;
      check_row(each, tolerance(std::string(each.name)), layouts);
      served.push_back(each.name);
    }
    return served;
  }

 private:
  KernelCase& add(Tensor tensor, bool is_constant) {
    const std::string name = fmt::format("in{}", inputs_.size());
    inputs_.push_back(is_constant ? builder_.constant(name, tensor) : builder_.input(name, tensor.type()));
    tensors_.resize(inputs_.size());
    tensors_.back() = std::move(tensor);
    return *this;
  }

  void build() {
    if (builder_.graph().nodes.empty()) builder_.add(op_, params_, inputs_, "out");
    tensors_.resize(inputs_.size());
  }

  // Images: all that the blocked layout is for.
  bool can_be_blocked() const {
    const TensorType& type = graph().type(node().inputs[0]);
    return type.dtype == DType::f32 && type.shape.size() >= 3 && element_count(type.shape) > 0;
  }

  void check_row(const cpu::Implementation& implementation, double tolerance, const std::vector<cpu::Layout>& layouts) {
    const std::vector<Tensor> expected = expectation(false), of_half_weights = half_weights_ ? expectation(true) : expected;
    const bool spreads = std::ranges::find(spreads_in_, implementation.name) != spreads_in_.end();
    for (const cpu::Layout any : layouts) {
      const auto resolve = [&](cpu::Layout layout) { return layout == cpu::Layout::any ? any : layout; };
      for (const int threads : threads_) {
        SCOPED_TRACE(fmt::format("{} with {} threads, {}", implementation.name, threads, any == cpu::Layout::blocked ? "blocked" : "plain"));
        ASSERT_EQ(implementation.declines(request(resolve(implementation.in))), "");
        ThreadPool pool(threads);
        for_each_target([&] {
          const auto kernel = implementation.make(request(resolve(implementation.in), &pool));
          stored_half_ |= kernel->half_weight_bytes() > 0;
          run(*kernel, resolve(implementation.in), resolve(implementation.out), pool, kernel->half_weight_bytes() > 0 ? of_half_weights : expected, tolerance, spreads);
        });
      }
    }
  }

  const Graph& graph() const { return builder_.graph(); }
  const Node& node() const { return graph().nodes.front(); }
  cpu::KernelRequest request(cpu::Layout layout, ThreadPool* pool = nullptr) const { return {graph(), node(), fusion_, layout, pool, half_weights_}; }

  const cpu::Implementation& row(const std::string& name) const {
    for (const cpu::Implementation& candidate : cpu::implementations(op_)) {
      if (name == candidate.name) return candidate;
    }
    fail(ErrorCode::internal, "{} has no implementation {}", ropeway::name(op_), name);
  }

  InputTensors arguments_of(const std::vector<Tensor>& tensors) const {
    InputTensors arguments;
    for (size_t i = 0; i < node().inputs.size(); ++i) arguments.push_back(node().inputs[i] == kNoValue ? nullptr : &tensors[i]);
    return arguments;
  }

  // `half`: with the weights rounded to 16 bits.
  std::vector<Tensor> expectation(bool half) const {
    InputTensors arguments = arguments_of(tensors_);
    const Tensor rounded = half ? convert(convert(tensors_[1], DType::f16), DType::f32) : Tensor();
    if (half) arguments[1] = &rounded;
    std::vector<Tensor> results = evaluate(op_, params_, arguments);
    const BinaryParams sum{BinaryFunction::add};
    if (bias_) results[0] = evaluate(Op::Binary, sum, {&results[0], &*bias_}).front();
    if (residual_) results[0] = evaluate(Op::Binary, sum, {&results[0], &*residual_}).front();
    if (fusion_.activation) results[0] = evaluate(Op::Unary, *fusion_.activation, {&results[0]}).front();
    if (fusion_.round_f16) results[0] = convert(convert(results[0], DType::f16), DType::f32);
    return results;
  }

  void run(const cpu::Kernel& kernel, cpu::Layout in, cpu::Layout out, ThreadPool& pool, const std::vector<Tensor>& expected, double tolerance, bool spreads) {
    constexpr size_t kOffset = 8;  // callers' tensors are aligned for their type alone
    std::vector<Placed> inputs, outputs;
    inputs.reserve(inputs_.size() + 1);
    std::vector<const void*> in_addresses;
    std::vector<void*> out_addresses;
    for (size_t i = 0; i < node().inputs.size(); ++i) {
      const bool is_constant = graph().is_constant(node().inputs[i]);
      if (node().inputs[i] == kNoValue || (is_constant && kernel.packs_constants())) {
        in_addresses.push_back(nullptr);
        continue;
      }
      inputs.emplace_back(tensors_[i], is_constant ? cpu::Layout::plain : in, kOffset);
      in_addresses.push_back(inputs.back().data());
    }
    if (residual_) {
      in_addresses.resize(std::max(in_addresses.size(), info(op_).inputs.size()), nullptr);
      inputs.emplace_back(*residual_, out, kOffset);
      in_addresses.push_back(inputs.back().data());
    }
    outputs.reserve(expected.size());
    for (const Tensor& tensor : expected) {
      outputs.emplace_back(tensor.type(), out, kOffset);
      out_addresses.push_back(outputs.back().data());
    }
    Guarded scratch(kernel.scratch_bytes());
    kernel.run(in_addresses, out_addresses, scratch.data(), pool);
    EXPECT_TRUE(scratch.intact()) << "written outside of the scratch memory";
    const bool finite = std::ranges::all_of(tensors_, all_finite);  // else what lies beyond the last channel need not be
    for (size_t i = 0; i < expected.size(); ++i) {
      const Tensor actual = outputs[i].plain(finite && all_finite(expected[i]));
      expect_close(actual, expected[i], tolerance, largest_, spreads);
      if (fusion_.round_f16) expect_close(actual, convert(convert(actual, DType::f16), DType::f32), 0);
    }
  }

  Op op_;
  Params params_;
  GraphBuilder builder_{"case", "test"};
  std::vector<ValueId> inputs_;
  std::vector<Tensor> tensors_;  // by input
  cpu::Fusion fusion_;
  std::vector<int> threads_ = {1, 2};
  bool half_weights_ = false, stored_half_ = false;
  std::vector<std::string> spreads_in_;
  double largest_ = 0;
  std::optional<Tensor> bias_, residual_;
};

}  // namespace ropeway::test
