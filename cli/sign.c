/* SPDX-License-Identifier: Apache-2.0 */
/* softsgx sign: measure and sign enclaves built with the kit, make keys, show signatures. */
#include "cli/sign.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/json.h"
#include "crypto/rsa.h"
#include "kit/sign/sign.h"

#define NOT_GIVEN (-1)

struct sign {
	const char *output;
	const char *key;
	const char *generate;
	const char *dump;
	const char *date;
	int64_t product, svn;
	bool debug, production, json;
};

static const struct option_spec options[] = {
	{ .name = "output",
	  .letter = 'o',
	  .type = OPTION_STRING,
	  .value = "FILE",
	  .target = offsetof(struct sign, output),
	  .help = "Where to write the signature. Default: the enclave's name with .sig for its suffix." },
	{ .name = "key",
	  .letter = 'k',
	  .type = OPTION_STRING,
	  .value = "KEY",
	  .target = offsetof(struct sign, key),
	  .help = "The signer's private key: RSA with 3072 bits and exponent 3, in PEM. There is no default key." },
	{ .name = "product",
	  .type = OPTION_INT,
	  .value = "NUMBER",
	  .max = UINT16_MAX,
	  .target = offsetof(struct sign, product),
	  .help = "ISVPRODID, the signer's own number for this product. Default: as the enclave has it." },
	{ .name = "svn",
	  .type = OPTION_INT,
	  .value = "NUMBER",
	  .max = UINT16_MAX,
	  .target = offsetof(struct sign, svn),
	  .help = "ISVSVN, the security version of this build. Default: as the enclave has it." },
	{ .name = "debug",
	  .type = OPTION_FLAG,
	  .target = offsetof(struct sign, debug),
	  .help = "Sign for debugging: the enclave's memory can be read from outside. Default: as the enclave has it." },
	{ .name = "production",
	  .type = OPTION_FLAG,
	  .target = offsetof(struct sign, production),
	  .help = "Sign for production: the enclave cannot be debugged, whatever it was built as." },
	{ .name = "date",
	  .type = OPTION_STRING,
	  .value = "YYYY-MM-DD",
	  .target = offsetof(struct sign, date),
	  .help = "The date in the signature. Default: SOURCE_DATE_EPOCH if that is set, else today, in UTC." },
	{ .name = "generate-key",
	  .type = OPTION_STRING,
	  .value = "KEY",
	  .target = offsetof(struct sign, generate),
	  .help = "Make a new key in a new file that only its owner may read, and do nothing else." },
	{ .name = "dump",
	  .type = OPTION_STRING,
	  .value = "FILE",
	  .target = offsetof(struct sign, dump),
	  .help = "Show what a signature says, and do nothing else. The exit status is 1 if it does not verify." },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .target = offsetof(struct sign, json),
	  .help = "Print one JSON object instead of lines for people." },
	{ 0 },
};

static int fail(const struct kit_error *err)
{
	command_complain(&sign_command, "%s", err->text);
	return 1;
}

static int misuse(const char *what)
{
	command_complain(&sign_command, "%s", what);
	return EXIT_USAGE;
}

/* --- showing --- */

static const char *hex(const uint8_t *bytes, size_t n, char *buf)
{
	for (size_t i = 0; i < n; i++)
		sprintf(buf + 2 * i, "%02x", bytes[i]);
	return buf;
}

struct facts {
	char mrenclave[65], mrsigner[65], date[11];
	const struct sgx_sigstruct *sig;
	bool debug, signature_ok;
	const char *file; /* written, or NULL */
};

static bool gather(const struct sgx_sigstruct *sig, struct facts *facts)
{
	uint8_t mrsigner[32];

	if (kit_sigstruct_mrsigner(sig, mrsigner) != 0)
		return false;
	*facts = (struct facts){
		.sig = sig,
		.debug = sig->attributes.flags & SGX_ATTR_DEBUG,
		.signature_ok = sigstruct_signature_ok(sig),
	};
	hex(sig->enclavehash, sizeof(sig->enclavehash), facts->mrenclave);
	hex(mrsigner, sizeof(mrsigner), facts->mrsigner);
	snprintf(facts->date, sizeof(facts->date), "%04x-%02x-%02x", sig->date >> 16 & 0xffff, sig->date >> 8 & 0xff,
		 sig->date & 0xff);
	return true;
}

static void show_json(const struct facts *f)
{
	struct json json = { .out = stdout };

	json_open_object(&json, NULL);
	json_string(&json, "mrenclave", f->mrenclave);
	json_string(&json, "mrsigner", f->mrsigner);
	json_unsigned(&json, "product", f->sig->isvprodid);
	json_unsigned(&json, "svn", f->sig->isvsvn);
	json_string(&json, "date", f->date);
	json_bool(&json, "debug", f->debug);
	json_unsigned(&json, "attributes", f->sig->attributes.flags);
	json_unsigned(&json, "attributes_mask", f->sig->attributemask.flags);
	json_unsigned(&json, "xfrm", f->sig->attributes.xfrm);
	json_unsigned(&json, "xfrm_mask", f->sig->attributemask.xfrm);
	json_unsigned(&json, "miscselect", f->sig->miscselect);
	json_unsigned(&json, "miscselect_mask", f->sig->miscmask);
	json_bool(&json, "signature_verifies", f->signature_ok);
	json_string(&json, "file", f->file);
	json_close(&json);
}

static void show_identity(const struct facts *f)
{
	printf("MRENCLAVE   %s\nMRSIGNER    %s\n", f->mrenclave, f->mrsigner);
	printf("product %u, svn %u, %s, signed %s\n", f->sig->isvprodid, f->sig->isvsvn,
	       f->debug ? "debug" : "production", f->date);
}

static void show_details(const struct facts *f)
{
	printf("ATTRIBUTES  0x%016lx, mask 0x%016lx\n", f->sig->attributes.flags, f->sig->attributemask.flags);
	printf("XFRM        0x%016lx, mask 0x%016lx\n", f->sig->attributes.xfrm, f->sig->attributemask.xfrm);
	printf("MISCSELECT  0x%08x, mask 0x%08x\n", f->sig->miscselect, f->sig->miscmask);
	printf("signature   %s\n", f->signature_ok ? "verifies" : "DOES NOT VERIFY");
}

/* --- the three things it does --- */

static int dump(const struct sign *s)
{
	struct sgx_sigstruct sig;
	struct kit_error err;
	struct facts facts;

	if (kit_sigstruct_read(s->dump, &sig, &err) != 0)
		return fail(&err);
	if (!gather(&sig, &facts))
		return misuse("out of memory");
	if (s->json) {
		show_json(&facts);
	} else {
		show_identity(&facts);
		show_details(&facts);
	}
	return facts.signature_ok ? 0 : 1;
}

static int generate(const struct sign *s)
{
	struct kit_error err;

	if (kit_key_generate(s->generate, &err) != 0)
		return fail(&err);
	if (!s->json)
		printf("wrote a new key to %s: keep it secret, and keep a copy\n", s->generate);
	return 0;
}

static bool parse_date(const char *text, uint32_t *bcd)
{
	static const char shape[] = "dddd-dd-dd";
	struct tm given, normal;

	*bcd = 0;
	for (size_t i = 0; i < sizeof(shape); i++) {
		if (shape[i] != 'd' ? text[i] != shape[i] : text[i] < '0' || text[i] > '9')
			return false;
		if (shape[i] == 'd')
			*bcd = *bcd << 4 | (uint32_t)(text[i] - '0');
	}
	/* The 31st of February would come back as a day in March. */
	given = normal = (struct tm){
		.tm_year = atoi(text) - 1900,
		.tm_mon = atoi(text + 5) - 1,
		.tm_mday = atoi(text + 8),
	};
	return timegm(&normal) != -1 && normal.tm_mon == given.tm_mon && normal.tm_mday == given.tm_mday;
}

static bool decide_terms(const struct sign *s, const struct kit_image *image, struct kit_signature_terms *terms)
{
	*terms = kit_terms_default(image);
	if (s->product != NOT_GIVEN)
		terms->product = (uint16_t)s->product;
	if (s->svn != NOT_GIVEN)
		terms->svn = (uint16_t)s->svn;
	if (s->debug || s->production)
		terms->debug = s->debug;
	return !s->date || parse_date(s->date, &terms->date);
}

/* ENCLAVE.elf -> ENCLAVE.sig; any other name gets the suffix added. */
static bool default_output(const char *elf, char *buf, size_t size)
{
	size_t len = strlen(elf), stem = len > 4 && strcmp(elf + len - 4, ".elf") == 0 ? len - 4 : len;
	int n = snprintf(buf, size, "%.*s.sig", (int)stem, elf);

	return n >= 0 && (size_t)n < size;
}

static int sign_image(const struct sign *s, const struct kit_image *image, struct sgx_sigstruct *sig,
		      struct kit_error *err)
{
	struct kit_signature_terms terms;
	struct kit_key *key;
	int ret;

	if (!decide_terms(s, image, &terms)) {
		kit_error_set(err, "'%s' is not a date: write it as YYYY-MM-DD", s->date);
		return EXIT_USAGE;
	}
	if (kit_key_load(s->key, &key, err) != 0)
		return 1;
	ret = kit_sigstruct_make(image, &terms, key, sig, err);
	kit_key_free(key);
	return ret ? 1 : 0;
}

static int sign(const struct sign *s, const char *elf)
{
	char path[PATH_MAX];
	const char *output = s->output ? s->output : path;
	struct kit_image *image;
	struct sgx_sigstruct sig;
	struct kit_error err;
	struct facts facts;
	int ret;

	if (!s->output && !default_output(elf, path, sizeof(path)))
		return misuse("the enclave's name is too long: say where to write with --output");
	if (kit_image_open(elf, &image, &err) != 0)
		return fail(&err);
	ret = sign_image(s, image, &sig, &err);
	kit_image_close(image);
	if (ret == 0 && kit_sigstruct_write(output, &sig, &err) != 0)
		ret = 1;
	if (ret != 0) {
		fail(&err);
		return ret;
	}
	if (!gather(&sig, &facts))
		return misuse("out of memory");
	facts.file = output;
	if (s->json)
		show_json(&facts);
	else
		show_identity(&facts);
	return 0;
}

static int sign_main(int argc, char **argv)
{
	struct sign s = { .product = NOT_GIVEN, .svn = NOT_GIVEN };
	int status;

	if (!command_begin(&sign_command, &argc, argv, &s, &status))
		return status;
	if ((s.generate != NULL) + (s.dump != NULL) + (argc > 1) != 1)
		return misuse("say one thing to do: an enclave to sign, --dump FILE or --generate-key KEY");
	if (s.debug && s.production)
		return misuse("--debug and --production exclude each other");
	if (s.generate)
		return generate(&s);
	if (s.dump)
		return dump(&s);
	if (!s.key)
		return misuse("say which key signs, with --key KEY; 'softsgx sign --generate-key KEY' makes one");
	return sign(&s, argv[1]);
}

const struct command sign_command = {
	.name = "sign",
	.operands = "[ENCLAVE]",
	.max_operands = 1,
	.summary = "measure and sign an enclave, make a key, or show a signature",
	.description =
		"Compute the measurement (MRENCLAVE) of an enclave that was built with the kit, from its ELF file, and sign it: "
		"the result is a SIGSTRUCT, which the hardware and this platform check before the enclave starts. Prints the "
		"measurement and the signer's identity (MRSIGNER).\n\n"
		"The exit status is 0 if all went well, 1 if a file cannot be used, 2 for a wrong command line. Nothing is "
		"written unless all goes well.",
	.options = options,
	.main = sign_main,
};
