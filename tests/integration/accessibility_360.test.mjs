import { suite } from './accessibility.mjs';

suite(360, 740, { hasTouch: true, isMobile: true });
