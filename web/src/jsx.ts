// SPDX-License-Identifier: Apache-2.0
// What JSX becomes in the bundle: h() with children as arguments is a good part shorter than the automatic runtime's objects.
export { Fragment, h } from 'preact';
