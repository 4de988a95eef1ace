import { suite } from './accessibility.mjs';

suite(1440, 900);
