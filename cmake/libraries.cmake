# Highway and libdeflate, built from their sources in ROPEWAY_LIBRARIES and linked in: for what must run without Debian's packages.
enable_language(C)

file(GLOB deflate_sources ${ROPEWAY_LIBRARIES}/libdeflate/lib/*.c ${ROPEWAY_LIBRARIES}/libdeflate/lib/*/*.c)
if(NOT deflate_sources)
  message(FATAL_ERROR "${ROPEWAY_LIBRARIES} has no sources of libdeflate: run scripts/setup.sh --with-${CMAKE_SYSTEM_PROCESSOR}")
endif()
add_library(deflate STATIC ${deflate_sources})
target_include_directories(deflate SYSTEM PUBLIC ${ROPEWAY_LIBRARIES}/libdeflate)
add_library(libdeflate ALIAS deflate)

set(highway ${ROPEWAY_LIBRARIES}/highway)
add_library(hwy STATIC ${highway}/hwy/targets.cc ${highway}/hwy/per_target.cc ${highway}/hwy/aligned_allocator.cc ${highway}/hwy/print.cc)
target_include_directories(hwy SYSTEM PUBLIC ${highway})
add_library(PkgConfig::HWY ALIAS hwy)

set_target_properties(deflate hwy PROPERTIES COMPILE_OPTIONS "-ffunction-sections;-fdata-sections;-ffile-prefix-map=${ROPEWAY_LIBRARIES}/=")
