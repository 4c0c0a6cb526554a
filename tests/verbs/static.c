/* SPDX-License-Identifier: Apache-2.0 */
/* A program that cannot be recorded: it is linked statically. */
int main(void)
{
    return 0;
}
