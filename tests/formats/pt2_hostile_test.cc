// Damaged and malicious .pt2 files, and archives of torch's that hold something else, end in an Error of the right code that says what to do; never in a crash.
#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "pt2_archive.h"

namespace ropeway::pt2_test {
namespace {

constexpr const char* kSmall = "structure.training.pt2";

void expect_refused(const Entries& entries, ErrorCode code, const std::string& part) {
  test::expect_error([&] { read_bytes(packed(entries)); }, code, part);
}

void expect_refused(const std::function<void(Json&)>& edit, ErrorCode code, const std::string& part, const char* file = kSmall) { expect_refused(edited(file, edit), code, part); }

Json& nodes(Json& json) { return json["graph_module"]["graph"]["nodes"]; }

Json& node(Json& json, const std::string& target) {
  for (Json& each : nodes(json)) {
    if (each["target"] == "torch.ops.aten." + target) return each;
  }
  ADD_FAILURE() << "no " << target;
  return nodes(json)[0];
}

TEST(Pt2Hostile, RelativesAreNamedWithARemedy) {
  expect_refused({{"data.pkl", ""}, {"data/0", "1234"}}, ErrorCode::unsupported, "weights alone, written by torch.save");
  expect_refused({{"constants.pkl", ""}, {"data.pkl", ""}, {"code/a.py", ""}}, ErrorCode::unsupported, "this is TorchScript");
  expect_refused({{"serialized_exported_program.json", "{}"}}, ErrorCode::unsupported, "PyTorch 2.7 or older");
  expect_refused({{"word/document.xml", ""}}, ErrorCode::invalid_model, "not one that torch.export.save writes");
  Entries entries = entries_of(kSmall);
  entries["models/other.json"] = "{}";
  expect_refused(entries, ErrorCode::unsupported, "holds 2 models, models/model.json and models/other.json");
  entries.erase("models/model.json"), entries.erase("models/other.json");
  expect_refused(entries, ErrorCode::invalid_model, "no models/*.json");
  entries["data/aotinductor/model/a.so"] = "";
  expect_refused(entries, ErrorCode::unsupported, "AOTInductor compiled");
}

TEST(Pt2Hostile, OtherVersionsAndByteOrders) {
  const auto with = [](const char* entry, const char* content) {
    Entries entries = entries_of(kSmall);
    entries[entry] = content;
    return entries;
  };
  expect_refused(with("archive_format", "pt3"), ErrorCode::invalid_model, "the archive's format is 'pt3', not pt2");
  expect_refused(with("archive_version", "1"), ErrorCode::unsupported, "version is 1; 0 can be read");
  expect_refused(with("byteorder", "big"), ErrorCode::unsupported, "big-endian");
  expect_refused([](Json& json) { json["schema_version"]["major"] = 9; }, ErrorCode::unsupported, "the file has schema 9; 8 can be read");
  expect_refused(with("models/model.json", "{"), ErrorCode::invalid_model, "is no JSON");
  expect_refused(with("models/model.json", "[]"), ErrorCode::invalid_model, "not as torch.export.save writes it");
}

void expect_bad_weight(const std::function<void(Json& entry)>& edit, ErrorCode code, const std::string& part) {
  const auto edit_config = [&](Json& json) { edit(json["config"]["first.bias"]); };
  expect_refused(edited(kSmall, edit_config, "data/weights/model_weights_config.json"), code, part);
  expect_refused(edited(kSmall, edit_config, "data/weights/model_weights_config.json"), code, "while reading the tensor first.bias");
}

TEST(Pt2Hostile, WeightsThatLieElsewhere) {
  const Json two = {{"as_int", 2}}, minus = {{"as_int", -1}}, huge = {{"as_int", INT64_MAX}};
  expect_bad_weight([&](Json& entry) { entry["tensor_meta"]["storage_offset"] = two; }, ErrorCode::invalid_model, "reaches to element 6, but the file has 4");
  expect_bad_weight([&](Json& entry) { entry["tensor_meta"]["storage_offset"] = minus; }, ErrorCode::invalid_model, "negative offset or stride");
  expect_bad_weight([&](Json& entry) { entry["tensor_meta"]["strides"][0] = two; }, ErrorCode::invalid_model, "reaches to element 7, but the file has 4");
  expect_bad_weight([&](Json& entry) { entry["tensor_meta"]["strides"][0] = huge; }, ErrorCode::invalid_model, "overflow");
  expect_bad_weight([&](Json& entry) { entry["tensor_meta"]["sizes"][0] = huge; }, ErrorCode::invalid_model, "more elements than any memory holds");
  expect_bad_weight([&](Json& entry) { entry["tensor_meta"]["sizes"][0] = minus; }, ErrorCode::invalid_model, "negative size");
  expect_bad_weight([](Json& entry) { entry["tensor_meta"]["strides"] = Json::array(); }, ErrorCode::invalid_model, "1 sizes and 0 strides");
  expect_bad_weight([](Json& entry) { entry["tensor_meta"]["dtype"] = 0; }, ErrorCode::invalid_model, "there is no dtype 0");
  expect_bad_weight([](Json& entry) { entry["tensor_meta"]["dtype"] = 29; }, ErrorCode::unsupported, "8-bit floating point");
  expect_bad_weight([](Json& entry) { entry["tensor_meta"]["layout"] = 1; }, ErrorCode::unsupported, "not dense");
  expect_bad_weight([](Json& entry) { entry["use_pickle"] = true; }, ErrorCode::unsupported, "would run code");
  expect_bad_weight([](Json& entry) { entry["path_name"] = "../weights/weight_0"; }, ErrorCode::unsupported, "no plain tensor");
  expect_bad_weight([](Json& entry) { entry["path_name"] = "custom_obj_0"; }, ErrorCode::unsupported, "no plain tensor");
  expect_bad_weight([](Json& entry) { entry["path_name"] = "weight_99"; }, ErrorCode::invalid_model, "lacks its entry data/weights/weight_99");
  expect_bad_weight([](Json& entry) { entry["path_name"] = 3; }, ErrorCode::invalid_model, "not as torch.export.save writes it");
}

TEST(Pt2Hostile, WeightsWithoutData) {
  const auto config = [](Json& json) { json["config"].erase("first.bias"); };
  expect_refused(edited(kSmall, config, "data/weights/model_weights_config.json"), ErrorCode::invalid_model, "no data for it");
  Entries entries = entries_of(kSmall);
  for (auto& [name, content] : entries) {
    if (name.starts_with("data/weights/weight_")) content.clear();
  }
  expect_refused(entries, ErrorCode::invalid_model, "FakeTensorMode");
  for (auto& [name, content] : entries) {
    if (name.starts_with("data/weights/weight_")) content = std::string(62, 'x');
  }
  expect_refused(entries, ErrorCode::invalid_model, "no whole number of elements");
}

TEST(Pt2Hostile, UnknownOperatorsAreNamedWithTheirModules) {
  const auto edit = [](Json& json) {
    node(json, "linear.default")["target"] = "torch.ops.mine.gadget.default";
    node(json, "mul.Tensor")["target"] = "torch.ops.aten.fft_rfft.default";
  };
  expect_refused(edit, ErrorCode::unsupported, "torch.ops.mine.gadget.default: 1 node, first second (linear_1)");
  expect_refused(edit, ErrorCode::unsupported, "uses 2 operators that nothing here can run");
  expect_refused([](Json& json) { nodes(json)[1]["target"] = "torch.ops.higher_order.cond"; }, ErrorCode::unsupported, "torch.ops.higher_order.cond: 1 node");
}

TEST(Pt2Hostile, ArgumentsThatDoNotFit) {
  const auto argument = [](Json& json, const char* target, size_t i) -> Json& { return node(json, target)["inputs"][i]; };
  expect_refused([&](Json& json) { argument(json, "linear.default", 0)["arg"] = {{"as_tensor", {{"name", "nowhere"}}}}; }, ErrorCode::invalid_model, "'nowhere' is read, but nothing before defines it");
  expect_refused([&](Json& json) { argument(json, "linear.default", 0)["arg"] = {{"as_int", 3}}; }, ErrorCode::invalid_model, "the argument input is of the kind as_int where a tensor belongs");
  expect_refused([&](Json& json) { argument(json, "linear.default", 0)["name"] = "inptu"; }, ErrorCode::invalid_model, "the argument input is missing");
  expect_refused([&](Json& json) { argument(json, "masked_fill.Scalar", 2)["arg"] = {{"as_float", "Nan"}}; }, ErrorCode::invalid_model, "'Nan' is no number");
  expect_refused([&](Json& json) { node(json, "linear.default")["inputs"].push_back({{"name", "magic"}, {"arg", {{"as_int", 1}}}, {"kind", 2}}); }, ErrorCode::unsupported, "its argument magic is not supported");
  expect_refused([&](Json& json) { node(json, "linear.default")["outputs"][0]["as_tensor"]["name"] = "x"; }, ErrorCode::invalid_model, "");
  expect_refused([&](Json& json) { node(json, "linear.default")["inputs"][0]["arg"] = Json::object(); }, ErrorCode::invalid_model, "");
  expect_refused([&](Json& json) { json["graph_module"]["graph"]["tensor_values"]["linear_1"]["sizes"][1] = {{"as_int", 5}}; }, ErrorCode::invalid_model, "the result linear_1 is f32[3,4], but the file says f32[3,5]");
  expect_refused([&](Json& json) { argument(json, "reshape.default", 0); node(json, "reshape.default")["inputs"][1]["arg"] = {{"as_ints", {5, 2}}}; }, ErrorCode::invalid_model, "while importing torch.ops.aten.reshape.default node reshape");
}

// A program of the given nodes on an input x, which is f32 of the given shape; z is what it returns.
Entries program(const Shape& shape, const std::vector<Json>& nodes_of_it) {
  const auto edit = [&](Json& json) {
    Json& module = json["graph_module"];
    Json sizes = Json::array(), strides = Json::array();
    for (const int64_t size : shape) sizes.push_back({{"as_int", size}}), strides.push_back({{"as_int", 1}});
    Json x = module["graph"]["tensor_values"]["x"];
    x["sizes"] = sizes, x["strides"] = strides;
    module["graph"]["tensor_values"] = {{"x", x}};
    module["graph"]["nodes"] = nodes_of_it;
    module["graph"]["outputs"] = Json::parse(R"([{"as_tensor": {"name": "z"}}])");
    module["signature"]["input_specs"] = Json::parse(R"([{"user_input": {"arg": {"as_tensor": {"name": "x"}}}}])");
    module["signature"]["output_specs"] = Json::parse(R"([{"user_output": {"arg": {"as_tensor": {"name": "z"}}}}])");
  };
  return edited("lenet.training.pt2", edit);
}

Json op(const std::string& target, const std::string& self, const Json& further, const std::vector<std::string>& outputs) {
  Json inputs = Json::array({{{"name", "self"}, {"arg", {{"as_tensor", {{"name", self}}}}}, {"kind", 1}}});
  for (const auto& [name, argument] : further.items()) inputs.push_back({{"name", name}, {"arg", argument}, {"kind", 1}});
  Json results = Json::array();
  for (const std::string& name : outputs) results.push_back({{"as_tensor", {{"name", name}}}});
  return {{"target", "torch.ops.aten." + target}, {"name", outputs[0]}, {"inputs", inputs}, {"outputs", results}, {"metadata", Json::object()}};
}

TEST(Pt2Hostile, ScalarsHaveNoParts) {
  const Json one = {{"as_int", 1}};
  expect_refused(program({}, {op("split.Tensor", "x", {{"split_size", one}}, {"z"})}), ErrorCode::invalid_model, "a scalar has no parts");
  expect_refused(program({}, {op("chunk.default", "x", {{"chunks", one}}, {"z"})}), ErrorCode::invalid_model, "a scalar has no parts");
  expect_refused(program({}, {op("unflatten.int", "x", {{"dim", {{"as_int", 0}}}, {"sizes", {{"as_ints", {1, 1}}}}}, {"z"})}), ErrorCode::invalid_model, "a scalar has no parts");
}

TEST(Pt2Hostile, MorePartsThanOutputs) {
  const Shape huge = {int64_t{1} << 40, 0};
  expect_refused(program(huge, {op("unbind.int", "x", Json::object(), {"z"})}), ErrorCode::invalid_model, "1099511627776 parts for 1 outputs");
  expect_refused(program(huge, {op("split.Tensor", "x", {{"split_size", {{"as_int", 1}}}}, {"z"})}), ErrorCode::invalid_model, "1099511627776 parts for 1 outputs");
}

TEST(Pt2Hostile, LongChainsOfViewsThatAreWrittenTo) {
  std::vector<Json> chain = {op("mul.Scalar", "x", {{"other", {{"as_int", 1}}}}, {"v0"})};
  constexpr int kLinks = 5000;
  for (int i = 0; i < kLinks; ++i) chain.push_back(op("view.default", "v" + std::to_string(i), {{"size", {{"as_ints", {2, 3}}}}}, {"v" + std::to_string(i + 1)}));
  chain.push_back(op("add_.Scalar", "v0", {{"other", {{"as_int", 1}}}}, {"w"}));
  chain.push_back(op("mul.Scalar", "v" + std::to_string(kLinks), {{"other", {{"as_int", 1}}}}, {"z"}));
  const Graph graph = read_bytes(packed(program({2, 3}, chain)));
  EXPECT_GT(graph.nodes.size(), static_cast<size_t>(kLinks));
}

TEST(Pt2Hostile, ViewsInPlaceAreRefused) {
  expect_refused(program({2, 3}, {op("mul.Scalar", "x", {{"other", {{"as_int", 1}}}}, {"y"}), op("t_.default", "y", Json::object(), {"z"})}), ErrorCode::unsupported, "t_.default changes the shape of a tensor in place");
  expect_refused(program({3, 3}, {op("mul.Scalar", "x", {{"other", {{"as_int", 1}}}}, {"y"}), op("t_.default", "y", Json::object(), {"z"})}), ErrorCode::unsupported, "t_.default changes the shape of a tensor in place");
}

TEST(Pt2Hostile, FurtherResultsAreNamedWithTheirOperator) {
  expect_refused(program({2, 3}, {op("relu.default", "x", Json::object(), {"y", "z"})}), ErrorCode::unsupported, "'z' is a further result of torch.ops.aten.relu.default at y");
}

TEST(Pt2Hostile, ImagesWithoutABatch) {
  const Json window = {{"kernel_size", {{"as_ints", {2, 2}}}}};
  expect_refused(program({3, 8, 8}, {op("max_pool2d.default", "x", window, {"z"})}), ErrorCode::unsupported, "no batch dimension. Export the model with x.unsqueeze(0)");
}

// Of an input that takes no room yet, constants are made that would.
TEST(Pt2Hostile, LargeInputsMakeNoLargeConstants) {
  const std::string part = "constants that the model computes from others take more than";
  const Json sizes = {{"output_size", {{"as_ints", {3, 3}}}}};
  expect_refused(program({1, 1, 1 << 20, 1 << 20}, {op("adaptive_max_pool2d.default", "x", sizes, {"z", "i"})}), ErrorCode::unsupported, part);
  const Json x = {{"as_tensor", {{"name", "x"}}}};
  Json attention = op("scaled_dot_product_attention.default", "x", {{"key", x}, {"value", x}, {"dropout_p", {{"as_float", 0.5}}}, {"is_causal", {{"as_bool", true}}}}, {"z"});
  attention["inputs"][0]["name"] = "query";
  expect_refused(program({1, 1 << 21, 1}, {attention}), ErrorCode::unsupported, part);
}

TEST(Pt2Hostile, MasksOfDropoutAreNotResults) {
  const Json arguments = {{"p", {{"as_float", 0.5}}}, {"train", {{"as_bool", true}}}};
  Json dropout = op("native_dropout.default", "x", arguments, {"y", "z"});
  dropout["inputs"][0]["name"] = "input";
  expect_refused(program({2, 3}, {dropout}), ErrorCode::unsupported, "a further result of torch.ops.aten.native_dropout.default");
}

TEST(Pt2Hostile, TrainingIsRefused) {
  const auto statistics = [](Json& json) {
    for (Json& input : node(json, "batch_norm.default")["inputs"]) {
      if (input["name"] == "training") input["arg"] = {{"as_bool", true}};
    }
  };
  expect_refused(statistics, ErrorCode::unsupported, "batch normalisation in training mode", "resnet.training.pt2");
  const auto mutation = [](Json& json) {
    Json& graph = json["graph_module"];
    graph["signature"]["output_specs"].push_back({{"buffer_mutation", {{"arg", {{"name", "mul"}}}, {"buffer_name", "scale"}}}});
    graph["graph"]["outputs"].push_back({{"as_tensor", {{"name", "mul"}}}});
  };
  expect_refused(mutation, ErrorCode::unsupported, "changes its buffer scale when it runs");
}

// Random whole numbers below a bound, the same in every run.
class Random {
 public:
  explicit Random(const char* stream) : seed_(stream_seed(stream)) {}
  uint64_t below(uint64_t bound) { return random_bits(seed_, next_++) % bound; }

 private:
  uint64_t seed_, next_ = 0;
};

// Whatever the bytes, reading ends: with a valid graph, or with an Error that blames the file.
void expect_no_crash(const std::string& bytes) {
  try {
    read_bytes(bytes);
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    EXPECT_NE(error.code(), ErrorCode::device) << error.what();
  }
}

TEST(Pt2Hostile, TruncationAnywhere) {
  const std::string bytes = packed(entries_of(kSmall));
  for (size_t length = 0; length < bytes.size(); length += length < 300 ? 1 : 97) {
    test::expect_error([&] { read_bytes(bytes.substr(0, length)); }, ErrorCode::invalid_model, "");
  }
}

// Bytes of the description changed at random, in the archive as it stands: no checksum is recorded.
TEST(Pt2Hostile, DamagedDescriptions) {
  for (const char* file : {kSmall, "writes.training.pt2", "mixed.core.pt2"}) {
    const Entries good = entries_of(file);
    Random random(file);
    for (int round = 0; round < 150; ++round) {
      Entries entries = good;
      std::string& text = entries.at("models/model.json");
      for (int change = 0; change < 1 + round % 3; ++change) text[random.below(text.size())] = "0123456789-\"{}[],:axs_"[random.below(22)];
      expect_no_crash(packed(entries));
    }
  }
}

// Values of the description exchanged for others of its own: well-formed JSON, wrong meaning.
TEST(Pt2Hostile, MixedUpDescriptions) {
  for (const char* file : {kSmall, "writes.training.pt2", "mixed.core.pt2", "vit.dynamic.pt2"}) {
    const Entries good = entries_of(file);
    const Json json = Json::parse(good.at("models/model.json"));
    const Json flat = json.flatten();
    std::vector<std::string> keys;
    for (const auto& [key, value] : flat.items()) {
      if (key.find("metadata") == std::string::npos) keys.push_back(key);
    }
    Random random(file);
    for (int round = 0; round < 40; ++round) {
      Json changed = flat;
      changed[keys[random.below(keys.size())]] = flat[keys[random.below(keys.size())]];
      Entries entries = good;
      entries["models/model.json"] = changed.unflatten().dump();
      expect_no_crash(packed(entries));
    }
  }
}

}  // namespace
}  // namespace ropeway::pt2_test
