module driver

go 1.23

require gopkg.in/validator.v2 v2.0.1

// The client imports it to validate struct tags, of which it has none; so nothing has to be fetched.
replace gopkg.in/validator.v2 => ./validator
