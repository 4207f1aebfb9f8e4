# One interface target carries the flags, so that no target can forget one.
add_library(enginewright_flags INTERFACE)

# No contraction of a*b+c into one rounding: the kernels must give the same bits with every compiler and CPU.
target_compile_options(enginewright_flags INTERFACE
  -ffp-contract=off
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Wcast-align -Wnull-dereference -Wdouble-promotion -Wformat=2 -Wimplicit-fallthrough)

if(ENGINEWRIGHT_WERROR)
  target_compile_options(enginewright_flags INTERFACE -Werror)
endif()

if(ENGINEWRIGHT_FUZZ)
  target_compile_options(enginewright_flags INTERFACE
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(enginewright_flags INTERFACE -fsanitize=address,undefined)
endif()

if(ENGINEWRIGHT_SANITIZE)
  # Optimised a little: compiling takes longer than the tests, and a finding needs lines, not variables.
  target_compile_options(enginewright_flags INTERFACE
    -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(enginewright_flags INTERFACE -fsanitize=address,undefined)
endif()
