/** With fewer effective labels than these nothing is fitted on rows beyond the training part (design, section 7). */
export const MINIMUM_EFFECTIVE_LABELS = 30;
