/** The same object, but for one of its methods. Works with private fields, which a spread or a prototype would lose. */
export function withMethod<T extends object, Name extends keyof T>(
  object: T,
  name: Name,
  method: T[Name],
): T {
  return new Proxy(object, {
    get(target, key) {
      if (key === name) return method
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
