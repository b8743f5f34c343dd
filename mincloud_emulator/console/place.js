// The location in the page: the environment, function and job in the hash of the address, which a reload keeps.

/** Returns `{environment, function, job}`: null for what is not chosen, `""` for production. */
export function readPlace() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const job = parameters.get("job");
  return {
    environment: parameters.get("environment") ?? "",
    function: parameters.get("function"),
    job: /^[0-9]{1,15}$/.test(job ?? "") ? Number(job) : null,
  };
}

export function hashOf(place) {
  const parameters = new URLSearchParams();
  if (place.environment) parameters.set("environment", place.environment);
  if (place.function !== null) parameters.set("function", place.function);
  if (place.job !== null) parameters.set("job", place.job);
  return `#${parameters}`;
}

/** Returns the path of a function in the console's interface. */
export function functionPath(name) {
  return `functions/${encodeURIComponent(name)}`;
}

export const isAddressable = (name) => name !== "." && name !== "..";
