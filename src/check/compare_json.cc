#include <nlohmann/json.hpp>

#include "check/compare.h"

namespace ropeway {
namespace {

using Json = nlohmann::ordered_json;

Json index_json(const Shape& shape, int64_t index) {
  if (index < 0) return nullptr;
  Shape at(shape.size());
  for (size_t d = shape.size(); d-- > 0; index /= shape[d]) at[d] = index % shape[d];
  return at;
}

Json difference_json(const Difference& d, const Shape& shape) {
  return {{"error", d.relative()},
          {"largest_error", d.largest_error},
          {"largest_value", d.largest_value},
          {"index", index_json(shape, d.index)},
          {"reference_value", d.reference_at},
          {"device_value", d.result_at},
          {"cosine", d.cosine},
          {"infinities", {{"reference", d.reference_infinities}, {"device", d.result_infinities}}},
          {"nans", {{"reference", d.reference_nans}, {"device", d.result_nans}}},
          {"became_zero", d.lost}};
}

Json value_json(const ComparedValue& value) {
  Json row = {{"name", value.name}, {"path", value.path}, {"node", value.node}, {"kind", value.kind}, {"type", to_string(value.type)}, {"over", value.over}, {"on_cpu", value.on_cpu}};
  row.update(difference_json(value.difference, value.type.shape));
  return row;
}

Json rows_json(const std::vector<ComparedValue>& values) {
  Json rows = Json::array();
  for (const ComparedValue& value : values) rows.push_back(value_json(value));
  return rows;
}

}  // namespace

std::string to_json(const Comparison& comparison) {
  Json first = nullptr;
  if (comparison.first_over) {
    const ComparedValue& value = comparison.layers[*comparison.first_over];
    first = value_json(value);
    first["own"] = comparison.own ? difference_json(*comparison.own, value.type.shape) : Json(nullptr);
  }
  const Json whole = {{"schema", 1},
                      {"model", comparison.model},
                      {"device", comparison.device},
                      {"title", comparison.title},
                      {"predicted", comparison.predicted},
                      {"split", comparison.split.empty() ? Json(nullptr) : Json(comparison.split)},
                      {"reference", comparison.reference},
                      {"tolerance", comparison.tolerance},
                      {"over", comparison.over()},
                      {"outputs", rows_json(comparison.outputs)},
                      {"layers_compared", comparison.layers_compared},
                      {"layers", rows_json(comparison.layers)},
                      {"first_over", std::move(first)},
                      {"unmatched", comparison.unmatched},
                      {"notes", comparison.notes}};
  // Names come from files: bytes that are no UTF-8 become U+FFFD.
  return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ropeway
