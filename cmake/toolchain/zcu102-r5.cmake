# SPDX-License-Identifier: BSD-3-Clause
# A program for port/zcu102-r5: bare metal with picolibc.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-r5 -mthumb -mfloat-abi=soft -specs=picolibc.specs")
set(CMAKE_ASM_FLAGS_INIT "-mcpu=cortex-r5 -marm -mfloat-abi=soft")
set(CW_PORT zcu102-r5)
