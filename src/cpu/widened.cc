#include "cpu/widened.h"

#include <vector>

#include "cpu/kernels/half.h"
#include "ir/deferred.h"

namespace ropeway::cpu {
namespace {

class WidenedWeight final : public Source {
 public:
  explicit WidenedWeight(Tensor half) : half_(std::move(half)) {}
  std::unique_ptr<Reading> begin() const override { return std::make_unique<Pass>(begin_reading(half_)); }

 private:
  class Pass final : public Reading {
   public:
    explicit Pass(std::unique_ptr<Reading> half) : half_(std::move(half)) {}
    void read(size_t offset, std::span<std::byte> into) override {
      std::vector<uint16_t> part(into.size() / sizeof(float));
      half_->read(offset / 2, std::as_writable_bytes(std::span(part)));
      from_f16(part.data(), reinterpret_cast<float*>(into.data()), std::ssize(part));
    }
    void finish() override { half_->finish(); }

   private:
    std::unique_ptr<Reading> half_;
  };

  Tensor half_;
};

}  // namespace

Tensor widened(Tensor half) {
  TensorType type{DType::f32, half.shape()};
  return defer(std::move(type), std::make_shared<WidenedWeight>(std::move(half)));
}

}  // namespace ropeway::cpu
