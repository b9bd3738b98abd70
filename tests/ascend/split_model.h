// A network that NPU and CPU share.
#pragma once

#include "base/random.h"
#include "ops/builder.h"

namespace ropeway::ascend {

// Two convolutions, a function in bfloat16, which the NPU does not have, two more convolutions: heavy enough that NPU, CPU and NPU compute a part each. With `dropout`,
// one in training mode on either device.
inline Graph split_model(bool dropout = false) {
  GraphBuilder builder("split", "test");
  ValueId x = builder.input("x", {DType::f32, {1, 16, 48, 48}});
  const auto conv = [&](const std::string& name) {
    Tensor weight({DType::f32, {16, 16, 3, 3}});
    fill_uniform(weight.data<float>(), stream_seed(name), 0.1f);
    x = builder.add1(Op::Conv, ConvParams{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}, {x, builder.constant(name + ".weight", std::move(weight))}, name, {name, {}});
  };
  const auto drop = [&](const std::string& name) {
    if (dropout) x = builder.add1(Op::Dropout, DropoutParams{0.25, true, false}, {x}, name, {name, {}});
  };
  conv("conv1");
  drop("drop1");
  conv("conv2");
  x = builder.add1(Op::Cast, CastParams{DType::bf16}, {x}, "narrow");
  drop("drop2");
  x = builder.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {x}, "relu");
  x = builder.add1(Op::Cast, CastParams{DType::f32}, {x}, "widen");
  conv("conv3");
  conv("conv4");
  builder.output(x, "y");
  return builder.finish();
}

}  // namespace ropeway::ascend
