#include "engine/substitution.h"

#include <gtest/gtest.h>

#include "ir/text.h"
#include "ops/operator.h"
#include "support/errors.h"

namespace ropeway {
namespace {

Graph pools(const std::string& dilations = "[1,1]", const std::string& type = "f32") {
  return parse_graph("graph pools\ninput %x: " + type + "[1,1,4,4]\n%y = MaxPool(%x) kernel_shape=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=" + dilations + " ceil_mode=true @ features.2 (max_pool2d)\noutput %y\n", infer);
}
SessionOptions asked(const std::string& name) {
  SessionOptions options;
  options.substitutions = {name};
  return options;
}

Tensor image() { return Tensor::of<float>({1, 1, 4, 4}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}); }

TEST(Substitution, OnlyOnRequestAndWithItsChange) {
  const auto run = [](const SessionOptions& options) {
    const auto model = Model::compile(pools(), options);
    std::vector<Tensor> results = {Tensor(model->outputs()[0].type)};
    model->run(*model->make_context(), std::vector{image()}, results, nullptr);
    return std::vector<float>(results[0].data<float>().begin(), results[0].data<float>().end());
  };
  EXPECT_EQ(run({}), (std::vector<float>{6, 8, 14, 16}));
  EXPECT_EQ(run(asked("maxpool=avgpool")), (std::vector<float>{3.5, 5.5, 11.5, 13.5}));
  const std::vector<std::string> notes = substitution_notes(pools(), asked("maxpool=avgpool"), std::vector{image()});
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0], "maxpool=avgpool replaces 1 MaxPool (features.2): this is another function. Largest change of y 2.5 of 16 (cosine 0.995677)");
  EXPECT_TRUE(substitution_notes(pools(), {}, std::vector{image()}).empty());
}

TEST(Substitution, SaysWhatItCannotDo) {
  test::expect_error([] { Model::compile(pools(), asked("maxpool=relu")); }, ErrorCode::invalid_argument, "there is no substitution 'maxpool=relu'; there is maxpool=avgpool");
  test::expect_error([] { Model::compile(pools("[2,2]"), asked("maxpool=avgpool")); }, ErrorCode::unsupported, "MaxPool at features.2 (max_pool2d): its dilations are [2,2]");
  test::expect_error([] { Model::compile(pools("[1,1]", "i32"), asked("maxpool=avgpool")); }, ErrorCode::unsupported, "averages need floating point");
  const Graph none = parse_graph("graph none\ninput %x: f32[2]\n%y = Unary(%x) function=relu @ (r)\noutput %y\n", infer);
  const std::vector<std::string> notes = substitution_notes(none, asked("maxpool=avgpool"), std::vector{Tensor::of<float>({2}, {1, 2})});
  EXPECT_EQ(notes, (std::vector<std::string>{"maxpool=avgpool replaces nothing: none has no MaxPool"}));
}

}  // namespace
}  // namespace ropeway
