# SPDX-License-Identifier: BSD-3-Clause
# Bare metal, 64-bit Arm: Debian has only the compiler for Linux, which -ffreestanding makes do.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-a53 -mgeneral-regs-only -mno-outline-atomics -mstrict-align")
