#include "chip/operators.h"

#include <gtest/gtest.h>

#include <set>

#include "support/cases.h"

namespace ropeway::chip {
namespace {

using enum PrecisionMode;

Verdict of(const char* onnx, DType dtype = DType::f32, PrecisionMode mode = force_fp16, int64_t opset = 17) { return verdict(onnx, opset, {dtype, {1, 16, 8, 8}}, mode, CannVersion::v8_1_rc1); }

void expect(const Verdict& actual, Engine engine, const std::string& ge, std::optional<DType> dtype) {
  EXPECT_STREQ(name(actual.engine), name(engine)) << actual.why;
  EXPECT_EQ(actual.ge_operator, ge);
  EXPECT_EQ(actual.dtype, dtype) << actual.why;
}

TEST(Operators, FollowThePrecisionMode) {
  expect(of("Relu"), Engine::ai_core, "Relu", DType::f16);
  expect(of("Relu", DType::f32, must_keep_origin_dtype), Engine::ai_core, "Relu", DType::f32);
  expect(of("Conv", DType::f32, allow_fp32_to_fp16), Engine::ai_core, "Conv2D", DType::f16);
  expect(of("Softmax", DType::f32, allow_fp32_to_fp16), Engine::ai_core, "SoftmaxV2", DType::f32);
  expect(of("Softmax", DType::f16, force_fp32), Engine::ai_core, "SoftmaxV2", DType::f32);
  expect(of("MatMul", DType::f32, force_fp32), Engine::ai_core, "BatchMatMulV2", DType::f16);
  // In 16 bits alone.
  expect(of("MaxPool"), Engine::ai_core, "MaxPoolV3", DType::f16);
  expect(of("MaxPool", DType::f32, allow_fp32_to_fp16), Engine::ai_core, "MaxPoolV3", DType::f16);
  expect(of("MaxPool", DType::f32, must_keep_origin_dtype), Engine::none, "MaxPoolV3", std::nullopt);
  expect(of("MaxPool", DType::f16, must_keep_origin_dtype), Engine::ai_core, "MaxPoolV3", DType::f16);
  expect(of("AveragePool", DType::f32, must_keep_origin_dtype), Engine::ai_cpu, "AvgPoolV2", std::nullopt);
}

TEST(Operators, FollowTheDtypesOfTheLists) {
  expect(of("Abs", DType::i32), Engine::ai_core, "Abs", DType::i32);
  expect(of("Abs", DType::i64), Engine::none, "Abs", std::nullopt);
  EXPECT_NE(of("Abs", DType::i64).why.find("i64 is not among the dtypes that the AI Core has it in with force_fp16 (f32, f16 and i32), and the AI CPU does not have the operator"), std::string::npos);
  expect(of("Mul", DType::i64), Engine::ai_cpu, "Mul", std::nullopt);
  expect(of("Mul", DType::f64), Engine::none, "Mul", std::nullopt);
  expect(of("Reshape", DType::f64), Engine::ai_core, "Reshape", DType::f64);
  expect(of("Xor", DType::boolean), Engine::ai_core, "BitwiseXor", std::nullopt);  // its parser casts
  expect(of("Cast", DType::i16), Engine::ai_cpu, "Cast", std::nullopt);
  EXPECT_NE(of("Add").why.find("assumed"), std::string::npos);
  EXPECT_EQ(of("Relu").why, "");
}

TEST(Operators, AnOperatorThatNoEngineListsIsNoRefusal) {
  expect(of("GlobalAveragePool"), Engine::fused, "GlobalAveragePool", std::nullopt);
  EXPECT_NE(of("GlobalAveragePool").why, "");
  expect(of("Einsum"), Engine::unknown, "Einsum", std::nullopt);
  expect(of("Einsum", DType::f64), Engine::none, "Einsum", std::nullopt);
  expect(of("Mish", DType::f32, force_fp16, 18), Engine::unknown, "", std::nullopt);
}

TEST(Operators, ImagesWithDepthHaveTheirOwn) {
  const auto deep = [](const char* onnx, DType dtype, PrecisionMode mode) { return verdict(onnx, 17, {dtype, {1, 16, 8, 8, 8}}, mode, CannVersion::v8_1_rc1); };
  expect(deep("Conv", DType::f32, force_fp16), Engine::ai_core, "Conv3D", DType::f16);
  expect(deep("Conv", DType::f32, must_keep_origin_dtype), Engine::none, "Conv3D", std::nullopt);
  expect(deep("AveragePool", DType::f32, force_fp16), Engine::unknown, "AvgPool3D", std::nullopt);
  expect(deep("Relu", DType::f32, force_fp16), Engine::ai_core, "Relu", DType::f16);
}

TEST(Operators, AreOfAnOpset) {
  EXPECT_TRUE(has_parser("LayerNormalization", 17));
  EXPECT_FALSE(has_parser("LayerNormalization", 16));
  EXPECT_TRUE(has_parser("HardSwish", 14));
  EXPECT_FALSE(has_parser("HardSwish", 13));
  EXPECT_FALSE(has_parser("Conv", 19));
  EXPECT_FALSE(has_parser("Convx", 17));
  expect(of("LayerNormalization", DType::f32, force_fp16, 16), Engine::none, "", std::nullopt);
}

TEST(Operators, TheOlderCannLacksWhatTheArticleSays) {
  for (const char* each : {"MaxPoolWithArgmaxV1", "DropOutDoMask"}) {
    ASSERT_NE(find_ge_operator(each), nullptr) << each;
    EXPECT_EQ(why_lacking(CannVersion::v8_1_rc1, each), "");
    EXPECT_NE(why_lacking(CannVersion::v7_0_rc1, each).find("article, unverified"), std::string::npos);
  }
  EXPECT_EQ(why_lacking(CannVersion::v7_0_rc1, "MaxPoolV3"), "");
  EXPECT_EQ(cann_version_named("7.0.RC1"), CannVersion::v7_0_rc1);
  EXPECT_EQ(cann_version_named("8.1.RC1"), CannVersion::v8_1_rc1);
  EXPECT_EQ(cann_version_named("8.1"), std::nullopt);
}

TEST(Operators, ModesAreNamedAsInTheManual) {
  for (const PrecisionMode mode : {force_fp16, allow_fp32_to_fp16, must_keep_origin_dtype, force_fp32}) EXPECT_EQ(precision_mode_named(name(mode)), mode);
  EXPECT_EQ(precision_mode_named("cube_fp16in_fp32out"), force_fp32);
  EXPECT_EQ(precision_mode_v2_named("fp16"), force_fp16);
  EXPECT_EQ(precision_mode_v2_named("origin"), must_keep_origin_dtype);
  EXPECT_EQ(precision_mode_named("fp16"), std::nullopt);
  EXPECT_EQ(precision_mode_v2_named("mixed_float16"), std::nullopt);
}

// The GE operator of a node is one that the lists have, but for those of newer opsets than atc reads and those of which nothing is known.
TEST(Operators, EveryNodeHasOneOfTheLists) {
  const std::set<std::string_view> newer = {"Swish", "Gelu", "Mish", "Rsqrt", "AdaptiveAvgPool2d", "Dropout", "AvgPool3D"};
  for (const test::Case& each : test::all_cases()) {
    for (const Node& node : each.graph.nodes) {
      const std::string_view ge = ge_operator(each.graph, node);
      EXPECT_TRUE(find_ge_operator(ge) != nullptr || newer.contains(ge)) << each.name() << ": " << ge;
    }
  }
}

}  // namespace
}  // namespace ropeway::chip
