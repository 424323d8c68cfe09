/* SPDX-License-Identifier: Apache-2.0 */
/* A statically linked program, to be refused. */
int main(void)
{
	return 0;
}
