# SPDX-License-Identifier: BSD-3-Clause
#
# Flags for everything, and the helpers with which a folder says what it builds and tests:
#
#   cw_library(NAME source... [DEPS target...])
#       A static library. The freestanding ones (CW_FREESTANDING_LIBRARIES) get the flags of code
#       that has no libc and, where Linux is the target, a twin NAME_hooked compiled with
#       -DCW_SHM_HOOKS, in which a fuzzer or a fault test decides what shared memory returns.
#   cw_program(NAME source... LIBS target...)
#       A program for Linux, hardened.
#   cw_unit_test(NAME source... LIBS target... [TIMEOUT s] [LABELS label...])
#       A cmocka program, label `unit` and 60 s unless told. Left out, with a message, where
#       cmocka is not installed; left out silently in a cross build that lacks one of the LIBS.
#       What it cannot test here it says by exit status 77; a skip() that only cmocka sees fails.
#       The label `threads` belongs on what starts a thread, or a worker that has one (disks, files):
#       the build for ThreadSanitizer has no other tests.
#   cw_unit_objects(NAME source... LIBS target...)
#       What several unit tests share, compiled once: NAME goes among their LIBS.
#   cw_py_test(NAME file LABELS label... TIMEOUT s [ENV VAR=value...] [SERIAL])
#       A pytest file; finds the build in CW_BUILD and the sources in CW_SOURCE. SERIAL: no other
#       test runs beside it.
#   cw_add_subfolders()
#       add_subdirectory() for every folder below this one that has a CMakeLists.txt.
#
#   cw_port(source...)
#       What a board's folder under port/ is: its machine, and link.ld beside it.
#
# What a folder may ask: CW_FREESTANDING (bare metal: only core, driver, device), CW_PORT (bare metal
# and this folder of port/: firmware too), CW_CROSS (Linux on another processor: the libraries and
# their unit tests), CW_SANITIZE (list, empty if none), CW_FUZZ.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(CW_SANITIZE "" CACHE STRING "Sanitizers of this build, as -fsanitize takes them")
option(CW_FUZZ "Build for libFuzzer (clang)" OFF)
set(CW_PYTHON /usr/bin/python3 CACHE FILEPATH "The Python that has Debian's pytest")
set(CW_CMOCKA_SOURCE "" CACHE PATH "cmocka's source, for targets that have no package of it")

if(CMAKE_SYSTEM_NAME STREQUAL "Generic")
	set(CW_FREESTANDING ON)
else()
	set(CW_FREESTANDING OFF)
endif()
if(CMAKE_CROSSCOMPILING AND NOT CW_FREESTANDING)
	set(CW_CROSS ON)
else()
	set(CW_CROSS OFF)
endif()

set(CW_FREESTANDING_LIBRARIES cw_core cw_driver cw_device)

include_directories(${PROJECT_SOURCE_DIR}/include)
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wvla -Werror -fno-common)

if(CW_FREESTANDING)
	# Nothing here may lean on a run-time library: no unwinder, no canary, no outlined helper.
	add_compile_options(-Os -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables
		-fno-unwind-tables -ffunction-sections -fdata-sections)
	if(CW_PORT)
		add_compile_options(-g) # stays in the file: nothing of it is loaded
	else()
		add_compile_options(-ffreestanding -nostdlib)
	endif()
else()
	include(CheckPIESupported)
	check_pie_supported(LANGUAGES C)
	set(CMAKE_POSITION_INDEPENDENT_CODE ON)
	if(CW_SANITIZE)
		add_compile_options(-fsanitize=${CW_SANITIZE} -fno-sanitize-recover=all
			-fno-omit-frame-pointer)
		add_link_options(-fsanitize=${CW_SANITIZE})
		if(NOT CW_FUZZ) # run once: -O2 takes longer to compile than it saves
			add_compile_options(-O1)
		endif()
	endif()
	if(CW_FUZZ)
		add_compile_options(-fsanitize=fuzzer-no-link)
	endif()
endif()

# Hardening of what runs on Linux. Sanitizers bring their own versions of the fortified calls.
set(CW_HARDEN_COMPILE -fstack-protector-strong -fstack-clash-protection)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
	list(APPEND CW_HARDEN_COMPILE -fcf-protection)
endif()
if(NOT CW_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
	list(APPEND CW_HARDEN_COMPILE -D_FORTIFY_SOURCE=2)
endif()
if(NOT CW_FREESTANDING)
	add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()

function(cw_library name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPS")
	add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
	target_link_libraries(${name} PUBLIC ${arg_DEPS})
	if(NOT name IN_LIST CW_FREESTANDING_LIBRARIES)
		target_compile_options(${name} PRIVATE ${CW_HARDEN_COMPILE})
		target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
		return()
	endif()

	target_compile_options(${name} PRIVATE -ffreestanding)
	if(CW_FREESTANDING AND NOT CW_PORT)
		return()
	endif()
	set(hooked_deps ${arg_DEPS})
	list(TRANSFORM hooked_deps APPEND _hooked)
	add_library(${name}_hooked STATIC EXCLUDE_FROM_ALL ${arg_UNPARSED_ARGUMENTS})
	target_compile_options(${name}_hooked PRIVATE -ffreestanding)
	target_compile_definitions(${name}_hooked PUBLIC CW_SHM_HOOKS)
	target_link_libraries(${name}_hooked PUBLIC ${hooked_deps})
endfunction()

function(cw_program name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
	add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
	target_compile_options(${name} PRIVATE ${CW_HARDEN_COMPILE})
	target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
	target_link_libraries(${name} PRIVATE ${arg_LIBS})
endfunction()

# Sets cw_cmocka in the caller's scope: what to link, or empty.
function(cw_find_cmocka)
	if(TARGET cw_cmocka)
		set(cw_cmocka cw_cmocka PARENT_SCOPE)
		return()
	endif()
	if(CW_CMOCKA_SOURCE)
		add_library(cw_cmocka STATIC EXCLUDE_FROM_ALL ${CW_CMOCKA_SOURCE}/src/cmocka.c)
		target_include_directories(cw_cmocka SYSTEM PUBLIC ${CW_CMOCKA_SOURCE}/include)
		target_compile_options(cw_cmocka PRIVATE -w)
		if(CW_PORT)
			target_compile_definitions(cw_cmocka PUBLIC _UINTPTR_T_DEFINED PRIVATE
				_GNU_SOURCE HAVE_SIGNAL_H HAVE_STRINGS_H HAVE_UNISTD_H
				HAVE_INTTYPES_H HAVE_STDINT_H)
			set(cw_cmocka cw_cmocka PARENT_SCOPE)
			return()
		endif()
		target_compile_definitions(cw_cmocka PRIVATE _GNU_SOURCE HAVE_SIGNAL_H HAVE_UNISTD_H
			HAVE_STRINGS_H HAVE_CLOCK_GETTIME HAVE_CLOCK_REALTIME HAVE_STRUCT_TIMESPEC
			HAVE_INTTYPES_H HAVE_STDINT_H HAVE_GCC_THREAD_LOCAL_STORAGE)
		set(cw_cmocka cw_cmocka PARENT_SCOPE)
		return()
	endif()
	find_library(CW_CMOCKA_LIBRARY cmocka)
	if(CW_CMOCKA_LIBRARY AND NOT CW_CROSS)
		set(cw_cmocka ${CW_CMOCKA_LIBRARY} PARENT_SCOPE)
	else()
		set(cw_cmocka "" PARENT_SCOPE)
	endif()
endfunction()

# What unit tests and their objects are compiled with.
function(cw_unit_flags name)
	# Tests that try each of many places try one in so many where a processor is emulated, some 150
	# times slower: the processor is to be seen there, not each place again.
	set(thin 1)
	if(CW_PORT)
		set(thin 13)
	else()
		target_compile_options(${name} PRIVATE -O1) # run once
	endif()
	target_compile_definitions(${name} PRIVATE _GNU_SOURCE UNIT_THIN=${thin}u)
	target_link_libraries(${name} PRIVATE ${ARGN} ${cw_cmocka})
endfunction()

function(cw_unit_objects name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
	cw_find_cmocka()
	if(cw_cmocka)
		add_library(${name} OBJECT EXCLUDE_FROM_ALL ${arg_UNPARSED_ARGUMENTS})
		cw_unit_flags(${name} ${arg_LIBS})
	endif()
endfunction()

function(cw_unit_test name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LIBS;LABELS")
	if(CW_SANITIZE STREQUAL "thread" AND NOT "threads" IN_LIST arg_LABELS)
		return()
	endif()
	cw_find_cmocka()
	if(NOT cw_cmocka)
		message(STATUS "cmocka is not installed: ${name} left out (./dev test installs it)")
		return()
	endif()
	if(CW_CROSS OR CW_PORT)
		foreach(lib IN LISTS arg_LIBS)
			if(lib MATCHES "^cw_" AND NOT TARGET ${lib})
				return()
			endif()
		endforeach()
	endif()
	if(NOT arg_TIMEOUT)
		set(arg_TIMEOUT 300)
	endif()
	if(NOT arg_LABELS)
		set(arg_LABELS unit)
	endif()
	add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
	cw_unit_flags(${name} ${arg_LIBS})
	if(CW_PORT) # run by tests/system/test_target.py, which finds it by its name
		target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/target/target.c)
		set_source_files_properties(${arg_UNPARSED_ARGUMENTS} PROPERTIES
			COMPILE_DEFINITIONS main=unit_main)
		target_link_libraries(${name} PRIVATE cw_port_${CW_PORT})
		return()
	endif()
	add_test(NAME ${name} COMMAND ${name})
	set_tests_properties(${name} PROPERTIES
		LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
		FAIL_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
endfunction()

function(cw_py_test name file)
	cmake_parse_arguments(PARSE_ARGV 2 arg "SERIAL" "TIMEOUT" "LABELS;ENV")
	if(CW_FREESTANDING OR CW_CROSS)
		return()
	endif()
	if(CW_SANITIZE STREQUAL "thread" AND NOT "threads" IN_LIST arg_LABELS)
		return()
	endif()
	if(NOT arg_LABELS OR NOT arg_TIMEOUT)
		message(FATAL_ERROR "cw_py_test(${name}): LABELS and TIMEOUT must be given")
	endif()
	get_filename_component(path ${file} ABSOLUTE)
	add_test(NAME ${name}
		COMMAND ${CW_PYTHON} -m pytest -q -x -p no:cacheprovider ${path})
	# A file in which one test was skipped and none failed counts as a skip, not as a pass.
	set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
		SKIP_REGULAR_EXPRESSION "\n([0-9]+ passed, )?[0-9]+ skipped(, [0-9]+ (warnings?|deselected))* in "
		ENVIRONMENT "CW_BUILD=${PROJECT_BINARY_DIR};CW_SOURCE=${PROJECT_SOURCE_DIR};PYTHONDONTWRITEBYTECODE=1;${arg_ENV}")
	if(arg_SERIAL)
		set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
	endif()
endfunction()

function(cw_add_subfolders)
	file(GLOB lists RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS
		${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
	foreach(list IN LISTS lists)
		get_filename_component(folder ${list} DIRECTORY)
		add_subdirectory(${folder})
	endforeach()
endfunction()

# One test a freestanding library: relinked as a whole (with the core it stands on), it may leave
# nothing undefined but what scripts/check-symbols allows.
function(cw_check_symbols)
	foreach(lib IN LISTS CW_FREESTANDING_LIBRARIES)
		set(files $<TARGET_FILE:${lib}>)
		if(NOT lib STREQUAL "cw_core")
			list(APPEND files $<TARGET_FILE:cw_core>)
		endif()
		add_test(NAME symbols_${lib} COMMAND ${PROJECT_SOURCE_DIR}/scripts/check-symbols
			"${CMAKE_C_COMPILER} ${CMAKE_C_FLAGS}" ${files})
		set_tests_properties(symbols_${lib} PROPERTIES LABELS check TIMEOUT 60)
	endforeach()
endfunction()

function(cw_port)
	add_library(cw_port_${CW_PORT} OBJECT ${ARGN})
	target_link_libraries(cw_port_${CW_PORT} PUBLIC cw_driver)
	target_link_options(cw_port_${CW_PORT} PUBLIC -nostartfiles -Wl,--gc-sections
		-T ${CMAKE_CURRENT_SOURCE_DIR}/link.ld)
	set_property(TARGET cw_port_${CW_PORT} PROPERTY
		INTERFACE_LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/link.ld)
endfunction()
