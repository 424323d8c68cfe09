/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a name means, and which programs a library cannot be preloaded into. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/program.h"

#define GLIBC "/lib64/ld-linux-x86-64.so.2"

static char dir[] = "/tmp/softsgx-test-XXXXXX";
static char path[PATH_MAX], subject[PATH_MAX];

static const char *in_dir(const char *name)
{
	static char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", dir, name);
	return full;
}

static const char *write_file(const char *name, const void *bytes, size_t len, mode_t mode)
{
	const char *full = in_dir(name);
	int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	assert_int_equal(chmod(full, mode), 0);
	return full;
}

/* As much of an executable as the dynamic linker's name; @interpreter NULL: a static one. */
static const char *write_elf(const char *name, int machine, int class, const char *interpreter, mode_t mode)
{
	struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph[2];
		char interpreter[64];
	} elf = {
		.eh = { .e_machine = (Elf64_Half)machine,
			.e_type = ET_DYN,
			.e_phnum = 2,
			.e_phoff = sizeof(Elf64_Ehdr) },
		.ph = { { .p_type = PT_LOAD }, { .p_type = interpreter ? PT_INTERP : PT_NOTE } },
	};

	memcpy(elf.eh.e_ident, ELFMAG, SELFMAG);
	elf.eh.e_ident[EI_CLASS] = (unsigned char)class;
	elf.ph[1].p_offset = (size_t)((char *)elf.interpreter - (char *)&elf);
	elf.ph[1].p_filesz = interpreter ? strlen(interpreter) + 1 : 0;
	if (interpreter)
		strcpy(elf.interpreter, interpreter);
	return write_file(name, &elf, sizeof(elf), mode);
}

static const char *write_text(const char *name, const char *text)
{
	return write_file(name, text, strlen(text), 0755);
}

static void path_is_searched_as_execvp_does(void **state)
{
	char first[PATH_MAX + 32], list[PATH_MAX + 64];

	write_text("tool", "#!/bin/sh\n");
	write_file("data", "x", 1, 0644);
	snprintf(first, sizeof(first), "%s/other", dir);
	assert_int_equal(mkdir(first, 0700), 0);
	assert_int_equal(mkdir(strcat(first, "/tool"), 0700), 0); /* a directory is no program */
	snprintf(list, sizeof(list), "/nonexistent:%s/other:%s", dir, dir);
	setenv("PATH", list, 1);
	assert_int_equal(program_find("tool", path), 0);
	assert_string_equal(path, in_dir("tool"));
	assert_int_equal(program_find("data", path), -EACCES);
	assert_int_equal(program_find("no-such-tool", path), -ENOENT);
	assert_int_equal(program_find("", path), -ENOENT);
}

static void empty_path_element_is_the_working_directory(void **state)
{
	char before[PATH_MAX];

	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(dir), 0);
	setenv("PATH", "/nonexistent:", 1);
	assert_int_equal(program_find("tool", path), 0);
	assert_string_equal(path, "tool");
	assert_int_equal(chdir(before), 0);
}

static void name_with_slash_is_not_searched(void **state)
{
	setenv("PATH", dir, 1);
	assert_int_equal(program_find("./no-such-directory/tool", path), -ENOENT);
	assert_int_equal(program_find(in_dir("tool"), path), 0);
	assert_string_equal(path, in_dir("tool"));
	assert_int_equal(program_find("/", path), -EACCES);
}

static void without_path_the_system_s_own(void **state)
{
	unsetenv("PATH");
	assert_int_equal(program_find("sh", path), 0);
	assert_string_equal(path, "/bin/sh");
}

static void dynamic_programs_are_fine(void **state)
{
	assert_int_equal(program_inspect(write_elf("dyn", EM_X86_64, ELFCLASS64, GLIBC, 0755), subject), PROGRAM_OK);
	assert_int_equal(program_inspect(write_elf("nix", EM_X86_64, ELFCLASS64, "/nix/ld-linux-x86-64.so.2", 0755),
					 subject),
			 PROGRAM_OK);
	assert_int_equal(program_inspect("/bin/sh", subject), PROGRAM_OK);
	assert_int_equal(program_inspect(GLIBC, subject), PROGRAM_OK); /* run by hand, it preloads too */
}

static void programs_that_ignore_preloading(void **state)
{
	const char *stat = write_elf("static", EM_X86_64, ELFCLASS64, NULL, 0755);

	assert_int_equal(program_inspect(stat, subject), PROGRAM_STATIC);
	assert_string_equal(subject, in_dir("static"));
	assert_int_equal(program_inspect(write_elf("musl", EM_X86_64, ELFCLASS64, "/lib/ld-musl-x86_64.so.1", 0755),
					 subject),
			 PROGRAM_OTHER_LIBC);
	assert_int_equal(program_inspect(write_elf("arm", EM_AARCH64, ELFCLASS64, GLIBC, 0755), subject),
			 PROGRAM_OTHER_ABI);
	assert_int_equal(program_inspect(write_elf("i386", EM_386, ELFCLASS32, GLIBC, 0755), subject),
			 PROGRAM_OTHER_ABI);
}

static void setuid_to_oneself_gains_nothing(void **state)
{
	assert_int_equal(program_inspect(write_elf("own", EM_X86_64, ELFCLASS64, GLIBC, 04755), subject), PROGRAM_OK);
}

static void setuid_to_others_is_refused(void **state)
{
	const char *other;

	if (getuid() != 0) {
		print_message("skipped: only root can make a file another user's\n");
		skip();
	}
	other = write_elf("another", EM_X86_64, ELFCLASS64, GLIBC, 0755);
	assert_int_equal(chown(other, 65534, 65534), 0);
	assert_int_equal(chmod(other, 04755), 0);
	assert_int_equal(program_inspect(other, subject), PROGRAM_PRIVILEGED);
	assert_int_equal(chmod(other, 02755), 0);
	assert_int_equal(program_inspect(other, subject), PROGRAM_PRIVILEGED);
	assert_int_equal(chmod(other, 02745), 0); /* setgid without execution for the group: mandatory locking */
	assert_int_equal(program_inspect(other, subject), PROGRAM_OK);
}

static void scripts_are_as_good_as_their_interpreter(void **state)
{
	char line[PATH_MAX + 16];

	assert_int_equal(program_inspect(write_text("a", "#!/bin/sh -e\nexit\n"), subject), PROGRAM_OK);
	write_elf("static", EM_X86_64, ELFCLASS64, NULL, 0755);
	snprintf(line, sizeof(line), "#! \t%s/static -x\n", dir);
	assert_int_equal(program_inspect(write_text("b", line), subject), PROGRAM_STATIC);
	assert_string_equal(subject, in_dir("static"));
	snprintf(line, sizeof(line), "#!%s/b\n", dir); /* a script whose interpreter is a script */
	assert_int_equal(program_inspect(write_text("c", line), subject), PROGRAM_STATIC);
	assert_int_equal(program_inspect(write_text("d", "echo no first line\n"), subject), PROGRAM_OK);
	assert_int_equal(program_inspect(write_text("e", ""), subject), PROGRAM_OK);
	snprintf(line, sizeof(line), "#!%s/loop\n", dir);
	assert_int_equal(program_inspect(write_text("loop", line), subject),
			 PROGRAM_OK); /* the kernel will say ELOOP */
}

static void damaged_files_are_left_to_the_kernel(void **state)
{
	Elf64_Ehdr eh = { .e_machine = EM_X86_64, .e_phnum = 60000, .e_phoff = ~0ull };

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	assert_int_equal(program_inspect(write_file("cut", &eh, sizeof(eh), 0755), subject), PROGRAM_OK);
	assert_int_equal(program_inspect(write_file("cut", &eh, 20, 0755), subject), PROGRAM_OK);
	assert_int_equal(program_inspect(in_dir("absent"), subject), PROGRAM_OK);
}

static int setup(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[PATH_MAX + 16];

	setenv("PATH", "/bin:/usr/bin", 1);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_is_searched_as_execvp_does),
		cmocka_unit_test(empty_path_element_is_the_working_directory),
		cmocka_unit_test(name_with_slash_is_not_searched),
		cmocka_unit_test(without_path_the_system_s_own),
		cmocka_unit_test(dynamic_programs_are_fine),
		cmocka_unit_test(programs_that_ignore_preloading),
		cmocka_unit_test(setuid_to_oneself_gains_nothing),
		cmocka_unit_test(setuid_to_others_is_refused),
		cmocka_unit_test(scripts_are_as_good_as_their_interpreter),
		cmocka_unit_test(damaged_files_are_left_to_the_kernel),
	};

	return cmocka_run_group_tests_name("program", tests, setup, teardown);
}
