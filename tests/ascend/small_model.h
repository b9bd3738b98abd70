// A small network, and an installation whose atc is a shell script.
#pragma once

#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/random.h"
#include "cann/installation.h"
#include "ops/builder.h"

namespace ropeway::ascend {

// relu(conv(x)) · w, with weights from a stream.
inline Graph small_model(int64_t channels = 4) {
  GraphBuilder builder("small", "test");
  const auto weight = [&](const std::string& name, Shape shape) {
    Tensor tensor({DType::f32, std::move(shape)});
    fill_uniform(tensor.data<float>(), stream_seed(name), 0.3f);
    return builder.constant(name, tensor);
  };
  const ValueId x = builder.input("x", {DType::f32, {1, 3, 8, 8}});
  ValueId y = builder.add1(Op::Conv, ConvParams{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}, {x, weight("w", {channels, 3, 3, 3}), weight("b", {channels})}, "conv", {"conv", {{"features.0", "Conv2d"}}});
  y = builder.add1(Op::Unary, UnaryParams{}, {y}, "relu", {"relu", {{"features.1", "ReLU"}}});
  y = builder.add1(Op::Reshape, ShapeParams{{1, channels * 64}}, {y}, "flat", {"flat", {}});
  y = builder.add1(Op::Gemm, GemmParams{}, {y, weight("v", {channels * 64, 10})}, "y", {"fc", {{"classifier", "Linear"}}});
  builder.output(y);
  return builder.finish();
}

// `script` sees atc's arguments; $output is the path behind --output=.
inline cann::Installation scripted_installation(const std::filesystem::path& root, const std::string& script) {
  namespace fs = std::filesystem;
  fs::create_directories(root / "lib64");
  fs::create_directories(root / "bin");
  write_file(root / "lib64/libascendcl.so", std::string());
  write_file(root / "bin/atc", "#!/bin/sh\nfor word in \"$@\"; do case \"$word\" in --output=*) output=${word#--output=};; esac; done\n" + script + "\n");
  fs::permissions(root / "bin/atc", fs::perms::owner_all);
  return *cann::installation_at(root);
}

}  // namespace ropeway::ascend
