// SPDX-License-Identifier: Apache-2.0
// The entry of the random test, so that one build of its stacks serves every mutation.
int random_stacks_main(int argc, char **argv);

int main(int argc, char **argv)
{
    return random_stacks_main(argc, argv);
}
