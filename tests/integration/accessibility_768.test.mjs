import { suite } from './accessibility.mjs';

suite(768, 1024);
