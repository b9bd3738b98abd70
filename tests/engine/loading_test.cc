// What of a model's weights is in memory while it is loaded.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <mutex>

#include "base/random.h"
#include "engine/model.h"
#include "ir/deferred.h"
#include "ops/builder.h"
#include "ops/operator.h"

namespace ropeway {
namespace {

// Elements of a stream, but for the first, and the memory that they were read into.
class WatchedWeights final : public Source {
 public:
  explicit WatchedWeights(float first) : first_(first) {}
  std::unique_ptr<Reading> begin() const override { return std::make_unique<Pass>(*this); }

  // Bytes of memory that ever held elements which were read: as many as all elements when they are kept, as few as parts have when each takes the place of one before.
  size_t held() const {
    size_t bytes = 0;
    const std::byte* end = nullptr;
    for (const auto& [from, to] : ranges_) {
      if (to <= end) continue;
      bytes += static_cast<size_t>(to - std::max(from, end));
      end = to;
    }
    return bytes;
  }

 private:
  class Pass final : public Reading {
   public:
    explicit Pass(const WatchedWeights& weights) : weights_(weights) {}
    void read(size_t offset, std::span<std::byte> into) override {
      const std::span elements(reinterpret_cast<float*>(into.data()), into.size() / sizeof(float));
      fill_uniform(elements, 7, 0.05f, offset / sizeof(float));
      if (offset == 0) elements[0] = weights_.first_;
      const std::lock_guard lock(weights_.mutex_);
      const std::byte*& end = weights_.ranges_[into.data()];
      end = std::max(end, static_cast<const std::byte*>(into.data() + into.size()));
    }

   private:
    const WatchedWeights& weights_;
  };

  float first_;
  mutable std::mutex mutex_;
  mutable std::map<const std::byte*, const std::byte*> ranges_;
};

constexpr int64_t kDepth = 1500, kColumns = 2100;  // 12.6 MB

struct FullyConnected {
  int64_t rows = 1;
  bool transposed = true;
  float first = 0;
  std::string precision = "fp16";
};

// Loads a fully connected layer, compares what it computes with the reference, and looks at what was held of its weights.
class Loading : public testing::Test {
 protected:
  void load(const FullyConnected& layer, double tolerance) {
    const auto source = std::make_shared<WatchedWeights>(layer.first);
    const TensorType type{DType::f32, layer.transposed ? Shape{kColumns, kDepth} : Shape{kDepth, kColumns}};
    weight_bytes_ = defer(type, source).bytes();
    const auto graph = [&] {
      GraphBuilder b("linear", "test");
      GemmParams params;
      params.transB = layer.transposed;
      b.output(b.add1(Op::Gemm, params, {b.input("x", {DType::f32, {layer.rows, kDepth}}), b.constant("w", defer(type, source))}, "y"));
      return b.finish();
    };
    SessionOptions options;
    options.threads = 2;
    options.precision = layer.precision;
    const auto model = Model::compile(graph(), options);
    held_ = source->held();
    kernel_ = model->executables().front()->steps().front().kernel;
    const auto inputs = generated_inputs(model->inputs());
    std::vector<Tensor> results = {Tensor(model->outputs().front().type)};
    model->run(*model->make_context(), inputs, results, nullptr);
    const auto expected = evaluate(graph(), inputs);
    const std::span<const float> is = results.front().data<float>(), should = expected.front().data<float>();
    double largest = 0, error = 0;
    for (size_t i = 0; i < should.size(); ++i) {
      largest = std::max(largest, std::fabs(static_cast<double>(should[i])));
      error = std::max(error, std::fabs(static_cast<double>(is[i]) - static_cast<double>(should[i])));
    }
    EXPECT_LE(error, tolerance * largest);
  }

  void expect_parts() const { EXPECT_LT(held_, weight_bytes_ / 4); }

  size_t weight_bytes_ = 0, held_ = 0;
  std::string kernel_;
};

TEST_F(Loading, WeightsOf16BitsArePackedInParts) {
  for (const bool transposed : {true, false}) {
    load({.transposed = transposed}, 1e-3);
    EXPECT_EQ(kernel_, "gemm.vector_f16");
    expect_parts();
  }
}

TEST_F(Loading, PanelsArePackedInParts) {
  for (const bool transposed : {true, false}) {
    load({.rows = 3, .transposed = transposed}, 1e-5);
    EXPECT_EQ(kernel_, "gemm.packed");
    expect_parts();
  }
}

// Those that are used where they lie are held once; others are turned in parts.
TEST_F(Loading, WeightsOf32BitsAreHeldOnce) {
  load({.precision = "fp32"}, 1e-5);
  EXPECT_EQ(kernel_, "gemm.vector");
  EXPECT_EQ(held_, weight_bytes_);
  load({.transposed = false, .precision = "fp32"}, 1e-5);
  EXPECT_EQ(kernel_, "gemm.vector");
  expect_parts();
}

TEST_F(Loading, WeightsBeyond16BitsStayIn32) {
  load({.transposed = false, .first = 70'000}, 1e-5);
  EXPECT_EQ(kernel_, "gemm.vector");
  expect_parts();
  load({.first = 70'000}, 1e-5);
  EXPECT_EQ(kernel_, "gemm.vector");
  EXPECT_LT(held_, weight_bytes_ * 5 / 4) << "they are looked at in parts";
}

}  // namespace
}  // namespace ropeway
