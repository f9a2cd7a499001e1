# SPDX-License-Identifier: BSD-3-Clause
# A program for port/virt-a53: bare metal with picolibc.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_ASM_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_C_FLAGS_INIT
	"-mcpu=cortex-a53 -mno-outline-atomics -fno-pie -specs=picolibc.specs")
set(CMAKE_ASM_FLAGS_INIT "-mcpu=cortex-a53")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -no-pie -Wl,--build-id=none,-z,max-page-size=4096")
set(CW_PORT virt-a53)
