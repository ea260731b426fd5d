import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    languageOptions: { globals: globals.browser, ecmaVersion: "latest" },
    rules: {
      curly: ["error", "multi-line"],
      eqeqeq: ["error", "always", { null: "ignore" }],
      "max-len": ["error", { code: 100 }],
      "max-lines-per-function": ["error", { max: 50, skipComments: true }],
      "no-param-reassign": "off",
      "no-shadow": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  {
    // What computes knows no page, so that it runs anywhere and is tested without a browser.
    files: ["ui/recognizer/**"],
    languageOptions: { globals: { ...globals.browser, document: "off", window: "off" } },
  },
];
