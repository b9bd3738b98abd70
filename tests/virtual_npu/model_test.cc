// A compiled model by itself: what it computes, by setting.
#include "virtual_npu/model.h"

#include <cmath>

#include "chip/numerics.h"
#include "cpu/backend.h"
#include "formats/onnx/writer.h"
#include "ops/builder.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway::virtual_npu {
namespace {

// exp(x), rounded as the chip does.
std::string exponential() {
  GraphBuilder builder("exp", "test");
  const ValueId x = builder.input("x", {DType::f32, {3}});
  builder.output(builder.add1(Op::Unary, UnaryParams{UnaryFunction::exp, 0, 0}, {x}, "y"));
  Container container{"a test", "Ascend310B1", "8.1.RC1", "force_fp16", {{"exp", "Exp", 0.01}}, ""};
  container.onnx = write_onnx(chip::apply_numerics(builder.finish()));
  return to_bytes(container);
}

std::vector<float> run(std::vector<float> x) {
  const auto model = Model::load(exponential(), "exp.om", *chip::find_soc("Ascend310B1"), *make_cpu_backend(1));
  std::vector<float> y(x.size());
  void* const inputs[] = {x.data()};
  void* const outputs[] = {y.data()};
  model->run(inputs, outputs);
  return y;
}

TEST(Model, OverflowsAsItIsSet) {
  const std::vector<float> x = {0, 20, NAN};
  EXPECT_EQ(run(x), (std::vector<float>{1, 65504, 1}));  // NaN is 0 once it is read
  const test::ScopedVariable infinite("ROPEWAY_VIRTUAL_OVERFLOW", "infinite");
  const std::vector<float> y = run(x);
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[1], INFINITY);
  EXPECT_TRUE(std::isnan(y[2]));
  const test::ScopedVariable wrong("ROPEWAY_VIRTUAL_OVERFLOW", "wrap");
  test::expect_error([&] { run(x); }, ErrorCode::invalid_argument, "ROPEWAY_VIRTUAL_OVERFLOW is 'wrap'; it can be saturate or infinite");
}

TEST(Model, ContainersKeepNamesAndTypes) {
  const Container read = parse_container(exponential());
  ASSERT_EQ(read.operators.size(), 1u);
  EXPECT_EQ(read.operators[0].name, "exp");
  EXPECT_EQ(read.operators[0].type, "Exp");
  EXPECT_EQ(read.operators[0].ms, 0.01);
}

}  // namespace
}  // namespace ropeway::virtual_npu
