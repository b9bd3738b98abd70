// The one translation unit that holds what fmt does not define in its headers. To have every other define it for itself, as fmt's header-only mode does, doubles
// the time of a build; Debian has the library as a shared one alone, which programs that load ours must not need.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template FMT_API auto thousands_sep_impl(locale_ref) -> thousands_sep_result<char>;
template FMT_API auto decimal_point_impl(locale_ref) -> char;

}  // namespace detail
FMT_END_NAMESPACE
