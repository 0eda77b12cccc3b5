// Where a file's own page is.

import { query } from "../api.js";

/** The address of the file's page, for the days, app and bots of the page that links to it. */
export const fileAddress = ({ object }, { from, to, app, bots }) => `/files${query({ object, from, to, app, bots })}`;
