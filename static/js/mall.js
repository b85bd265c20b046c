/* Everything here only makes quicker what works without it. */
import { compare } from "./compare.js";
import { copies } from "./copy.js";
import { dialogs } from "./dialog.js";
import { fills } from "./fill.js";
import { forms } from "./forms.js";
import { htmx } from "./htmx-glue.js";
import { keys } from "./keys.js";
import { steppers } from "./stepper.js";
import { suggest } from "./suggest.js";
import { theme } from "./theme-toggle.js";

for (const part of [theme, keys, dialogs, copies, steppers, fills, forms, compare, suggest, htmx]) part(document);
