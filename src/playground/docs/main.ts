// What pages of the documentation do beside being read: search, languages of examples, copy, prices.

import { startCalculator } from "./calculator.ts";
import { startCopying } from "./copying.ts";
import { startLanguages } from "./languages.ts";
import { startSearch } from "./search.ts";

startLanguages();
startCopying();
startSearch();
void startCalculator();
