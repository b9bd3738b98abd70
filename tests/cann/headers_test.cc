// Our types and signatures of CANN's are those of AscendCL's own headers, where these are at hand (ROPEWAY_ACL_HEADERS).
#include <gtest/gtest.h>

#include <cstddef>
#include <string_view>
#include <type_traits>

#include "cann/functions.h"

#if __has_include(<acl/acl.h>)
#include <acl/acl.h>
#include <acl/acl_mdl.h>
#include <acl/acl_op.h>
#include <acl/acl_op_compiler.h>
#include <acl/acl_prof.h>
#include <acl/acl_rt.h>

namespace ropeway {
namespace {

// The name of a type without its namespace.
template <class T>
constexpr std::string_view name_of() {
  std::string_view text = __PRETTY_FUNCTION__;
  text = text.substr(text.find("T = ") + 4);
  text = text.substr(0, text.find_first_of(";]"));
  const size_t colons = text.rfind("::");
  return colons == std::string_view::npos ? text : text.substr(colons + 2);
}

// Whether two types are the same to a C compiler: theirs and ours live in different namespaces.
template <class A, class B>
constexpr bool same() {
  if constexpr (std::is_pointer_v<A> && std::is_pointer_v<B>) {
    return same<std::remove_pointer_t<A>, std::remove_pointer_t<B>>();
  } else if constexpr (std::is_const_v<A> || std::is_const_v<B>) {
    return std::is_const_v<A> == std::is_const_v<B> && same<std::remove_const_t<A>, std::remove_const_t<B>>();
  } else if constexpr (std::is_enum_v<A> && std::is_enum_v<B>) {
    return sizeof(A) == sizeof(B) && name_of<A>() == name_of<B>();
  } else if constexpr (std::is_class_v<A> && std::is_class_v<B>) {
    return name_of<A>() == name_of<B>();
  } else {
    return std::is_same_v<A, B>;
  }
}

template <class A, class B>
struct SameFunction : std::false_type {};
template <class R, class... P, class S, class... Q>
struct SameFunction<R (*)(P...), S (*)(Q...)> {
  static constexpr bool value = sizeof...(P) == sizeof...(Q) && same<R, S>() && (same<P, Q>() && ...);
};

#define ROPEWAY_CANN(library, need, result, name, parameters) static_assert(SameFunction<decltype(&::name), decltype(cann::Functions::name)>::value, #name);
#include "cann/abi.def"
#undef ROPEWAY_CANN

static_assert(sizeof(::aclmdlIODims) == sizeof(cann::aclmdlIODims));
static_assert(offsetof(::aclmdlIODims, name) == offsetof(cann::aclmdlIODims, name));
static_assert(offsetof(::aclmdlIODims, dimCount) == offsetof(cann::aclmdlIODims, dimCount));
static_assert(offsetof(::aclmdlIODims, dims) == offsetof(cann::aclmdlIODims, dims));

#define SAME_VALUE(name) EXPECT_EQ(static_cast<int>(::name), static_cast<int>(cann::name))

TEST(Headers, EnumerationsHaveTheirValues) {
  SAME_VALUE(ACL_DT_UNDEFINED);
  SAME_VALUE(ACL_FLOAT);
  SAME_VALUE(ACL_FLOAT16);
  SAME_VALUE(ACL_INT8);
  SAME_VALUE(ACL_INT32);
  SAME_VALUE(ACL_UINT8);
  SAME_VALUE(ACL_INT16);
  SAME_VALUE(ACL_UINT16);
  SAME_VALUE(ACL_UINT32);
  SAME_VALUE(ACL_INT64);
  SAME_VALUE(ACL_UINT64);
  SAME_VALUE(ACL_DOUBLE);
  SAME_VALUE(ACL_BOOL);
  SAME_VALUE(ACL_BF16);
  SAME_VALUE(ACL_FORMAT_UNDEFINED);
  SAME_VALUE(ACL_FORMAT_NCHW);
  SAME_VALUE(ACL_FORMAT_NHWC);
  SAME_VALUE(ACL_FORMAT_ND);
  SAME_VALUE(ACL_DEVICE);
  SAME_VALUE(ACL_HOST);
  SAME_VALUE(ACL_MEMCPY_HOST_TO_HOST);
  SAME_VALUE(ACL_MEMCPY_HOST_TO_DEVICE);
  SAME_VALUE(ACL_MEMCPY_DEVICE_TO_HOST);
  SAME_VALUE(ACL_MEMCPY_DEVICE_TO_DEVICE);
  SAME_VALUE(ACL_MEM_MALLOC_HUGE_FIRST);
  SAME_VALUE(ACL_MEM_MALLOC_HUGE_ONLY);
  SAME_VALUE(ACL_MEM_MALLOC_NORMAL_ONLY);
  SAME_VALUE(ACL_DDR_MEM);
  SAME_VALUE(ACL_HBM_MEM);
  SAME_VALUE(ACL_EVENT_RECORDED_STATUS_NOT_READY);
  SAME_VALUE(ACL_EVENT_RECORDED_STATUS_COMPLETE);
  SAME_VALUE(ACL_AICORE_NONE);
}

}  // namespace
}  // namespace ropeway

#else

TEST(Headers, EnumerationsHaveTheirValues) { GTEST_SKIP() << "AscendCL's headers are not at hand: set ROPEWAY_ACL_HEADERS to the folder that holds acl/acl.h"; }

#endif
