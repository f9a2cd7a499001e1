# SPDX-License-Identifier: BSD-3-Clause
#
# cmake -DFOLDER=... -DFILES="a;b" -DOUT=page_files.c -P embed.cmake: files as C arrays (page.h).
set(text "/* Made by embed.cmake. */\n#include \"page.h\"\n\n")
set(table "")
set(n 0)
foreach(file IN LISTS FILES)
	file(READ ${FOLDER}/${file} hex HEX)
	string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
	string(APPEND text "static const unsigned char file${n}[] = { ${bytes} };\n")
	string(APPEND table "\t{ \"${file}\", file${n}, sizeof(file${n}) },\n")
	math(EXPR n "${n} + 1")
endforeach()
string(APPEND text "\nconst struct page_file page_files[] = {\n${table}\t{ NULL, NULL, 0 },\n};\n")
file(WRITE ${OUT} "${text}")
