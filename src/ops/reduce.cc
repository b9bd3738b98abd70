#include <algorithm>
#include <cmath>
#include <type_traits>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

bool reduces(const ReduceParams& p, size_t d) { return std::binary_search(p.axes.begin(), p.axes.end(), static_cast<int64_t>(d)); }

// Integers and booleans accumulate in 64 bits, floats in double.
template <class A>
A combine(ReduceFunction function, A total, A value, bool first) {
  using enum ReduceFunction;
  if (first) return value;
  if constexpr (std::is_integral_v<A>) {
    if (function == sum) return static_cast<A>(static_cast<uint64_t>(total) + static_cast<uint64_t>(value));
    if (function == prod) return static_cast<A>(static_cast<uint64_t>(total) * static_cast<uint64_t>(value));
  } else {
    if (function == mean || function == sum) return total + value;
    if (function == prod) return total * value;
    if (std::isnan(total) || std::isnan(value)) return total + value;
  }
  return function == max ? std::max(total, value) : std::min(total, value);
}

}  // namespace

std::vector<TensorType> infer_Reduce(const ReduceParams& p, const InputTypes& in) {
  const Shape& x = in[0]->shape;
  expect(!p.axes.empty() && std::is_sorted(p.axes.begin(), p.axes.end()) && std::adjacent_find(p.axes.begin(), p.axes.end()) == p.axes.end(), "Reduce: axes [{}] must be sorted and distinct", fmt::join(p.axes, ","));
  for (const int64_t axis : p.axes) expect_axis("Reduce", axis, x.size());
  expect(p.function != ReduceFunction::mean || is_float(in[0]->dtype), "Reduce mean: not defined for {}", name(in[0]->dtype));
  const bool extreme = p.function == ReduceFunction::max || p.function == ReduceFunction::min;
  expect(in[0]->dtype != DType::boolean || extreme, "Reduce {}: not defined for bool", name(p.function));
  Shape out;
  for (size_t d = 0; d < x.size(); ++d) {
    expect(!extreme || !reduces(p, d) || x[d] > 0, "Reduce {}: dimension {} is empty", name(p.function), d);
    if (!reduces(p, d)) out.push_back(x[d]);
    if (reduces(p, d) && p.keepdims) out.push_back(1);
  }
  return {{in[0]->dtype, std::move(out)}};
}

void reference_Reduce(const ReduceParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape& x = in[0]->shape();
  Shape kept = x, inner;
  for (size_t d = 0; d < x.size(); ++d) {
    if (!reduces(p, d)) continue;
    kept[d] = 1;
    inner.push_back(x[d]);
  }
  const Shape strides = strides_of(x);
  Shape inner_strides;
  for (const int64_t axis : p.axes) inner_strides.push_back(strides[static_cast<size_t>(axis)]);
  visit_dtype(in[0]->dtype(), [&]<class T>() {
    using A = std::conditional_t<std::is_floating_point_v<T>, double, std::conditional_t<std::is_unsigned_v<T>, uint64_t, int64_t>>;
    for (IndexWalk o(kept, {strides_of(kept), strides}); !o.done(); o.next()) {
      A total = p.function == ReduceFunction::prod ? 1 : 0;
      bool first = true;
      for (IndexWalk i(inner, {inner_strides}); !i.done(); i.next(), first = false) {
        total = combine(p.function, total, static_cast<A>(in[0]->data<T>()[static_cast<size_t>(o.offset(1) + i.offset(0))]), first);
      }
      if constexpr (std::is_floating_point_v<T>) {
        if (p.function == ReduceFunction::mean) total /= static_cast<A>(element_count(inner));
      }
      out[0].data<T>()[static_cast<size_t>(o.offset(0))] = static_cast<T>(total);
    }
  });
}

}  // namespace ropeway
