/** Whom every accepted key belongs to, as answers and messages tell it. */
export const ORGANIZATION = 'org-emulator'
